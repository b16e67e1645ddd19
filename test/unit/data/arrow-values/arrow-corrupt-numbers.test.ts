import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArrowBench } from './arrow-fixture.ts';
import * as forge from './arrow-forge.ts';

const NONE = new Uint8Array(0);
let bench: ArrowBench;

beforeAll(async () => {
  bench = await ArrowBench.open();
});

afterAll(() => bench.close());

describe('damaged columns of numbers', () => {
  const column = forge.INT32('x');
  const good: forge.ForgedBatch = { rows: 2, nodes: [[2, 0]], buffers: [NONE, forge.int32s(1, 2)] };
  const refuse = (bad: Partial<forge.ForgedBatch>, ...texts: readonly string[]) =>
    bench.expectRefused(
      forge.afterGood(column, good, { ...good, ...bad }),
      'INPUT_CORRUPT',
      'record batch 1',
      ...texts,
    );

  it('reads the good ones', async () => {
    expect(await bench.valuesOf(forge.stream([column], [good, good]))).toEqual(['1', '2', '1', '2']);
    const nulls: forge.ForgedBatch = { rows: 2, nodes: [[2, 1]], buffers: [Uint8Array.of(2), forge.int32s(1, 2)] };
    expect(await bench.valuesOf(forge.stream([column], [nulls]))).toEqual([null, '2']);
    // Bits behind the last row do not count.
    expect(
      await bench.valuesOf(forge.stream([column], [{ ...nulls, buffers: [Uint8Array.of(0xfe), forge.int32s(1, 2)] }])),
    ).toEqual([null, '2']);
  });

  it('refuses a buffer that is too short', () =>
    refuse({ buffers: [NONE, forge.int32s(1)] }, 'column "x"', 'too short'));

  it('refuses wrong null counts', async () => {
    await refuse({ nodes: [[2, 1]] }, 'column "x"', 'no validity buffer');
    await refuse({ nodes: [[2, 0]], buffers: [Uint8Array.of(1), forge.int32s(1, 2)] }, 'column "x"', 'null count');
    await refuse({ nodes: [[2, 2]], buffers: [Uint8Array.of(1), forge.int32s(1, 2)] }, 'column "x"', 'null count');
    await refuse({ nodes: [[2, 3]] }, '3 nulls in 2 rows');
    await refuse({ nodes: [[2, -1]] }, 'negative');
  });

  it('refuses rows that differ between the batch and its columns', async () => {
    await refuse({ nodes: [[1, 0]] }, 'column "x"', 'differ in rows');
    await refuse({ rows: 1 }, 'column "x"', 'differ in rows');
    await refuse({ rows: -1 }, 'out of range');
    await refuse({ nodes: [[-2, 0]] }, 'negative');
    await refuse({ nodes: [] }, 'fewer columns');
    await refuse(
      {
        nodes: [
          [2, 0],
          [2, 0],
        ],
      },
      'more columns',
    );
  });

  it('refuses buffers that lie wrong', async () => {
    await refuse(
      {
        ranges: [
          [0, 0],
          [0, 2 ** 40],
        ],
      },
      'outside the body',
    );
    await refuse(
      {
        ranges: [
          [0, 0],
          [2 ** 40, 8],
        ],
      },
      'outside the body',
    );
    await refuse(
      {
        ranges: [
          [0, 0],
          [-8, 8],
        ],
      },
      'negative',
    );
    await refuse(
      {
        ranges: [
          [0, 0],
          [0, -8],
        ],
      },
      'negative',
    );
    await refuse(
      {
        ranges: [
          [0, 0],
          [0, 2n ** 62n],
        ],
      },
      'too large',
    );
    await refuse(
      {
        ranges: [
          [0, 8],
          [0, 8],
        ],
      },
      'overlaps',
    );
    await refuse({ ranges: [[0, 0]] }, 'too few buffers');
    await refuse({ buffers: [NONE, forge.int32s(1, 2), NONE] }, 'more columns or buffers');
  });

  it('refuses rows for nothing before it allocates them (A9)', async () => {
    const rows = 2 ** 31 - 1;
    const bomb = forge.stream([forge.field('n', 1)], [{ rows, nodes: [[rows, rows]], buffers: [] }]);
    await bench.expectRefused(bomb, 'INPUT_TOO_LARGE', 'record batch 0');
    const list = forge.field('n', 12, {}, { 5: { tables: [forge.field('item', 1)] } });
    const nested = {
      rows: 1,
      nodes: [
        [1, 0],
        [2 ** 40, 0],
      ] as const,
      buffers: [NONE, forge.int32s(0, 2 ** 31 - 1)],
    };
    await bench.expectRefused(forge.stream([list], [nested]), 'INPUT_TOO_LARGE', 'column "n"');
  });
});

describe('values that DuckDB cannot hold', () => {
  const one = (column: forge.Table, value: Uint8Array) =>
    forge.stream([column], [{ rows: 1, nodes: [[1, 0]], buffers: [NONE, value] }]);
  const decimal = (precision: number, bits: number) =>
    forge.field('x', 7, { 0: { i32: precision }, 1: { i32: 1 }, 2: { i32: bits } });
  const timestamp = (unit: number) => forge.field('x', 10, { 0: { i16: unit } });
  const date = (unit: number) => forge.field('x', 8, { 0: { i16: unit } });
  const time = (unit: number, bits: number) => forge.field('x', 9, { 0: { i16: unit }, 1: { i32: bits } });

  it('refuses decimals with more digits than their type', async () => {
    expect(await bench.valuesOf(one(decimal(4, 128), forge.int64s(9999, 0)))).toEqual(['999.9']);
    expect(await bench.valuesOf(one(decimal(4, 128), forge.int64s(-9999, -1)))).toEqual(['-999.9']);
    const wrong: [number, number, Uint8Array][] = [
      [4, 128, forge.int64s(10_000, 0)],
      [4, 128, forge.int64s(-10_000, -1)],
      [4, 128, forge.int64s(1, 1)],
      [18, 128, forge.int64s(0, -1)],
      [38, 128, forge.int64s(0, 2n ** 63n - 1n)],
      [38, 256, forge.int64s(0, 0, 1, 0)],
      [9, 32, forge.int32s(1_000_000_000)],
    ];
    for (const [precision, bits, bytes] of wrong) {
      await bench.expectRefused(one(decimal(precision, bits), bytes), 'INPUT_CORRUPT', 'column "x"', 'row 0', 'digits');
    }
  });

  it('reads a decimal whose scale is above its precision', async () => {
    const small = forge.field('x', 7, { 0: { i32: 2 }, 1: { i32: 5 } });
    expect(await bench.valuesOf(one(small, forge.int64s(12, 0)))).toEqual(['0.00012']);
  });

  it('refuses dates and timestamps outside of its range, and times outside the day', async () => {
    await bench.expectRefused(
      one(timestamp(0), forge.int64s(2n ** 60n)),
      'INPUT_UNSUPPORTED',
      'column "x"',
      'row 0',
      'range',
    );
    await bench.expectRefused(one(timestamp(1), forge.int64s(-(2n ** 62n))), 'INPUT_UNSUPPORTED', 'range');
    await bench.expectRefused(one(timestamp(2), forge.int64s(2n ** 63n - 1n)), 'INPUT_UNSUPPORTED', 'range');
    await bench.expectRefused(one(timestamp(3), forge.int64s(-(2n ** 63n))), 'INPUT_UNSUPPORTED', 'range');
    await bench.expectRefused(one(date(0), forge.int32s(2 ** 31 - 1)), 'INPUT_UNSUPPORTED', 'range');
    await bench.expectRefused(one(date(1), forge.int64s(86_400_001)), 'INPUT_CORRUPT', 'not a whole day');
    await bench.expectRefused(
      one(date(1), forge.int64s(2n ** 62n - (2n ** 62n % 86_400_000n))),
      'INPUT_UNSUPPORTED',
      'range',
    );
    await bench.expectRefused(one(time(0, 32), forge.int32s(86_400)), 'INPUT_CORRUPT', 'outside the day');
    await bench.expectRefused(one(time(3, 64), forge.int64s(-1)), 'INPUT_CORRUPT', 'outside the day');
  });
});
