import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArrowBench } from './arrow-fixture.ts';
import * as forge from './arrow-forge.ts';

const NONE = new Uint8Array(0);
let bench: ArrowBench;

beforeAll(async () => {
  bench = await ArrowBench.open();
});

afterAll(() => bench.close());

describe('damaged texts', () => {
  const column = forge.UTF8('x');
  const abc = Buffer.from('abcdef');
  const batch = (offsets: readonly number[], values: Uint8Array = abc, nulls?: number): forge.ForgedBatch => ({
    rows: offsets.length - 1,
    nodes: [[offsets.length - 1, nulls === undefined ? 0 : 1]],
    buffers: [nulls === undefined ? NONE : Uint8Array.of(nulls), forge.int32s(...offsets), values],
  });
  const good = batch([0, 2, 6]);
  const refuse = (bad: forge.ForgedBatch, ...texts: readonly string[]) =>
    bench.expectRefused(forge.afterGood(column, good, bad), 'INPUT_CORRUPT', 'record batch 1', 'column "x"', ...texts);

  it('refuses offsets that are negative, descend, or leave the buffer (A37)', async () => {
    expect(await bench.valuesOf(forge.stream([column], [good, batch([1, 1, 6])]))).toEqual(['ab', 'cdef', '', 'bcdef']);
    await refuse(batch([-1, 2, 6]), 'negative');
    await refuse(batch([0, 2, -6]), 'negative', 'row 1');
    await refuse(batch([0, 4, 2, 6]), 'descend', 'row 1');
    await refuse(batch([0, 2, 7]), 'too short');
    await refuse(batch([0, 2, 2 ** 31 - 1]), 'too short');
    await refuse({ ...good, buffers: [NONE, forge.int32s(0, 2), abc] }, 'too short');
  });

  it('refuses 64-bit offsets out of range (A37)', async () => {
    for (const offset of [2n ** 62n, 2n ** 53n + 1n, -1n, 7n]) {
      const bad = { rows: 1, nodes: [[1, 0]] as const, buffers: [NONE, forge.int64s(0, offset), abc] };
      await bench.expectRefused(forge.stream([forge.field('x', 20)], [bad]), 'INPUT_CORRUPT', 'column "x"');
    }
  });

  it('refuses invalid UTF-8 and names column, batch and row (A27)', async () => {
    const invalid = [
      [0xff, 0xfe],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xc0, 0xaf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ];
    for (const bytes of invalid) {
      const values = Buffer.concat([abc, Uint8Array.from(bytes)]);
      await refuse(batch([0, 6, values.length], values), 'row 1', 'not valid UTF-8');
    }
  });

  it('refuses texts that are cut inside a character of valid UTF-8 (A27)', async () => {
    const euro = Buffer.from('a€b');
    expect(await bench.valuesOf(forge.stream([column], [batch([0, 1, 4, 5], euro)]))).toEqual(['a', '€', 'b']);
    await refuse(batch([0, 2, 5], euro), 'row 0', 'not valid UTF-8');
    await refuse(batch([2, 5, 5], euro), 'row 0', 'not valid UTF-8');
  });

  it('takes no notice of what stands under a null', async () => {
    const values = Buffer.concat([abc, Uint8Array.of(0xff, 0xff)]);
    expect(await bench.valuesOf(forge.stream([column], [batch([0, 6, 8], values, 1)]))).toEqual(['abcdef', null]);
  });

  it('takes any bytes for a blob', async () => {
    const bytes = forge.stream([forge.field('x', 4)], [batch([0, 1, 2], Uint8Array.of(0xff, 0x00))]);
    expect(await bench.valuesOf(bytes)).toEqual(['ff', '00']);
  });

  it('refuses views that point outside their buffers', async () => {
    const view = (length: number, prefix: string, buffer: number, offset: number): Uint8Array => {
      const bytes = Buffer.alloc(16);
      bytes.writeInt32LE(length, 0);
      bytes.write(prefix, 4, 'latin1');
      bytes.writeInt32LE(buffer, 8);
      bytes.writeInt32LE(offset, 12);
      return bytes;
    };
    const data = Buffer.from('a text of some length');
    const of = (bytes: Uint8Array) =>
      forge.stream([forge.field('x', 24)], [{ rows: 1, nodes: [[1, 0]], buffers: [NONE, bytes, data], views: [1] }]);
    expect(await bench.valuesOf(of(view(14, 'text', 0, 2)))).toEqual(['text of some l']);
    const wrong = [
      view(14, 'text', 1, 2),
      view(14, 'text', -1, 2),
      view(14, 'text', 0, 8),
      view(14, 'text', 0, -1),
      view(14, 'tent', 0, 2),
      view(-1, 'text', 0, 2),
    ];
    for (const bytes of wrong) await bench.expectRefused(of(bytes), 'INPUT_CORRUPT', 'column "x"', 'row 0', 'a view');
    const missing = { rows: 1, nodes: [[1, 0]] as const, buffers: [NONE, view(1, 'a', 0, 0)], views: [2 ** 40] };
    await bench.expectRefused(forge.stream([forge.field('x', 24)], [missing]), 'INPUT_CORRUPT', 'too few buffers');
  });
});

describe('damaged lists', () => {
  const list = (typeId: number, type: forge.Table = {}) =>
    forge.field('x', typeId, type, { 5: { tables: [forge.INT32('item')] } });
  const of = (column: forge.Table, rows: number, offsets: Uint8Array[], values: number[], childRows = values.length) =>
    forge.stream(
      [column],
      [
        {
          rows,
          nodes: [
            [rows, 0],
            [childRows, 0],
          ],
          buffers: [NONE, ...offsets, NONE, forge.int32s(...values)],
        },
      ],
    );

  it('refuses offsets that descend or leave the values (A37)', async () => {
    expect(await bench.valuesOf(of(list(12), 2, [forge.int32s(0, 1, 3)], [7, 8, 9]))).toEqual([['7'], ['8', '9']]);
    await bench.expectRefused(
      of(list(12), 2, [forge.int32s(0, 3, 1)], [7, 8, 9]),
      'INPUT_CORRUPT',
      'column "x"',
      'descend',
    );
    await bench.expectRefused(
      of(list(12), 2, [forge.int32s(0, 1, 4)], [7, 8, 9]),
      'INPUT_CORRUPT',
      'column "x"',
      'too few',
    );
    await bench.expectRefused(
      of(list(12), 2, [forge.int32s(0, 1, 4)], [7, 8, 9], 4),
      'INPUT_CORRUPT',
      'column "x"',
      'too short',
    );
    await bench.expectRefused(of(list(21), 1, [forge.int64s(0, 2n ** 60n)], [7]), 'INPUT_CORRUPT', 'column "x"');
  });

  it('refuses lists of fixed size without enough values', async () => {
    const fixed = list(16, { 0: { i32: 2 } });
    expect(await bench.valuesOf(of(fixed, 2, [], [1, 2, 3, 4]))).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
    await bench.expectRefused(of(fixed, 2, [], [1, 2, 3]), 'INPUT_CORRUPT', 'column "x"', 'too few');
    await bench.expectRefused(of(list(16, { 0: { i32: 2 ** 31 - 1 } }), 2, [], [1]), 'INPUT_CORRUPT', 'too few');
  });
});
