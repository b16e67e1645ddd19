import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrowToParquet } from '../../../src/columnar/arrow-to-parquet.ts';
import type { ErrorCode } from '../../../src/errors/error-codes.ts';
import { convert, openConnection, refusal, type ValueText } from './arrow-fixture.ts';
import * as forge from './arrow-forge.ts';

const NONE = new Uint8Array(0);
const folder = mkdtempSync(join(tmpdir(), 'prescore-arrow-'));
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await openConnection();
});

afterAll(() => {
  connection.closeSync();
  rmSync(folder, { recursive: true });
});

/** A good batch, then the one given, of a single column. */
function afterGood(field: forge.Table, good: forge.ForgedBatch, bad: forge.ForgedBatch): Uint8Array {
  return forge.stream([field], [good, bad]);
}

async function expectRefused(bytes: Uint8Array, code: ErrorCode, ...texts: readonly string[]): Promise<void> {
  const target = join(folder, 'refused.parquet');
  const error = await refusal(convert(connection, folder, bytes, { target }));
  for (const text of [`${code}: `, 'at input.arrow', ...texts]) expect(error.message).toContain(text);
  expect(existsSync(target)).toBe(false);
}

async function valuesOf(bytes: Uint8Array): Promise<readonly ValueText[]> {
  const { columns } = await convert(connection, folder, bytes);
  return columns[0]?.[1] ?? [];
}

describe('damaged columns of numbers', () => {
  const column = forge.INT32('x');
  const good: forge.ForgedBatch = { rows: 2, nodes: [[2, 0]], buffers: [NONE, forge.int32s(1, 2)] };
  const refuse = (bad: Partial<forge.ForgedBatch>, ...texts: readonly string[]) =>
    expectRefused(afterGood(column, good, { ...good, ...bad }), 'INPUT_CORRUPT', 'record batch 1', ...texts);

  it('reads the good ones', async () => {
    expect(await valuesOf(forge.stream([column], [good, good]))).toEqual(['1', '2', '1', '2']);
    const nulls: forge.ForgedBatch = { rows: 2, nodes: [[2, 1]], buffers: [Uint8Array.of(2), forge.int32s(1, 2)] };
    expect(await valuesOf(forge.stream([column], [nulls]))).toEqual([null, '2']);
    // Bits behind the last row do not count.
    expect(
      await valuesOf(forge.stream([column], [{ ...nulls, buffers: [Uint8Array.of(0xfe), forge.int32s(1, 2)] }])),
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
    await expectRefused(bomb, 'INPUT_TOO_LARGE', 'record batch 0');
    const list = forge.field('n', 12, {}, { 5: { tables: [forge.field('item', 1)] } });
    const nested = {
      rows: 1,
      nodes: [
        [1, 0],
        [2 ** 40, 0],
      ] as const,
      buffers: [NONE, forge.int32s(0, 2 ** 31 - 1)],
    };
    await expectRefused(forge.stream([list], [nested]), 'INPUT_TOO_LARGE', 'column "n"');
  });
});

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
    expectRefused(afterGood(column, good, bad), 'INPUT_CORRUPT', 'record batch 1', 'column "x"', ...texts);

  it('refuses offsets that are negative, descend, or leave the buffer (A37)', async () => {
    expect(await valuesOf(forge.stream([column], [good, batch([1, 1, 6])]))).toEqual(['ab', 'cdef', '', 'bcdef']);
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
      await expectRefused(forge.stream([forge.field('x', 20)], [bad]), 'INPUT_CORRUPT', 'column "x"');
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
    expect(await valuesOf(forge.stream([column], [batch([0, 1, 4, 5], euro)]))).toEqual(['a', '€', 'b']);
    await refuse(batch([0, 2, 5], euro), 'row 0', 'not valid UTF-8');
    await refuse(batch([2, 5, 5], euro), 'row 0', 'not valid UTF-8');
  });

  it('takes no notice of what stands under a null', async () => {
    const values = Buffer.concat([abc, Uint8Array.of(0xff, 0xff)]);
    expect(await valuesOf(forge.stream([column], [batch([0, 6, 8], values, 1)]))).toEqual(['abcdef', null]);
  });

  it('takes any bytes for a blob', async () => {
    const bytes = forge.stream([forge.field('x', 4)], [batch([0, 1, 2], Uint8Array.of(0xff, 0x00))]);
    expect(await valuesOf(bytes)).toEqual(['ff', '00']);
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
    expect(await valuesOf(of(view(14, 'text', 0, 2)))).toEqual(['text of some l']);
    const wrong = [
      view(14, 'text', 1, 2),
      view(14, 'text', -1, 2),
      view(14, 'text', 0, 8),
      view(14, 'text', 0, -1),
      view(14, 'tent', 0, 2),
      view(-1, 'text', 0, 2),
    ];
    for (const bytes of wrong) await expectRefused(of(bytes), 'INPUT_CORRUPT', 'column "x"', 'row 0', 'a view');
    const missing = { rows: 1, nodes: [[1, 0]] as const, buffers: [NONE, view(1, 'a', 0, 0)], views: [2 ** 40] };
    await expectRefused(forge.stream([forge.field('x', 24)], [missing]), 'INPUT_CORRUPT', 'too few buffers');
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
    expect(await valuesOf(of(list(12), 2, [forge.int32s(0, 1, 3)], [7, 8, 9]))).toEqual([['7'], ['8', '9']]);
    await expectRefused(of(list(12), 2, [forge.int32s(0, 3, 1)], [7, 8, 9]), 'INPUT_CORRUPT', 'column "x"', 'descend');
    await expectRefused(of(list(12), 2, [forge.int32s(0, 1, 4)], [7, 8, 9]), 'INPUT_CORRUPT', 'column "x"', 'too few');
    await expectRefused(
      of(list(12), 2, [forge.int32s(0, 1, 4)], [7, 8, 9], 4),
      'INPUT_CORRUPT',
      'column "x"',
      'too short',
    );
    await expectRefused(of(list(21), 1, [forge.int64s(0, 2n ** 60n)], [7]), 'INPUT_CORRUPT', 'column "x"');
  });

  it('refuses lists of fixed size without enough values', async () => {
    const fixed = list(16, { 0: { i32: 2 } });
    expect(await valuesOf(of(fixed, 2, [], [1, 2, 3, 4]))).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
    await expectRefused(of(fixed, 2, [], [1, 2, 3]), 'INPUT_CORRUPT', 'column "x"', 'too few');
    await expectRefused(of(list(16, { 0: { i32: 2 ** 31 - 1 } }), 2, [], [1]), 'INPUT_CORRUPT', 'too few');
  });
});

describe('damaged dictionaries', () => {
  const column = forge.field(
    'x',
    5,
    {},
    { 4: { table: { 0: { i64: 9n }, 1: { table: { 0: { i32: 8 }, 1: { u8: 1 } } } } } },
  );
  const words = (offsets: number[], isDelta = false): forge.ForgedBatch => ({
    rows: offsets.length - 1,
    nodes: [[offsets.length - 1, 0]],
    buffers: [NONE, forge.int32s(...offsets), Buffer.from('redgreen')],
    dictionary: { id: 9n, isDelta },
  });
  const codes = (values: number[], valid?: number): forge.ForgedBatch => ({
    rows: values.length,
    nodes: [[values.length, valid === undefined ? 0 : 1]],
    buffers: [valid === undefined ? NONE : Uint8Array.of(valid), Int8Array.from(values)].map(
      (b) => new Uint8Array(b.buffer),
    ),
  });

  it('refuses an index outside the dictionary and names column, batch and row (A28)', async () => {
    const dictionary = words([0, 3, 8]);
    expect(await valuesOf(forge.stream([column], [dictionary, codes([0, 1])]))).toEqual(['red', 'green']);
    for (const code of [2, 127, -1, -128]) {
      const bytes = forge.stream([column], [dictionary, codes([0]), codes([1, code])]);
      await expectRefused(bytes, 'INPUT_CORRUPT', 'record batch 1', 'column "x"', 'row 1', 'out of range');
    }
  });

  it('takes no notice of an index under a null', async () => {
    expect(await valuesOf(forge.stream([column], [words([0, 3]), codes([0, 99], 1)]))).toEqual(['red', null]);
    expect(await valuesOf(forge.stream([column], [codes([99], 0)]))).toEqual([null]);
  });

  it('refuses dictionaries that are missing, damaged, or come twice in a file', async () => {
    await expectRefused(forge.stream([column], [codes([0])]), 'INPUT_CORRUPT', 'a dictionary with id 9');
    await expectRefused(forge.stream([column], [words([0, 3], true)]), 'INPUT_CORRUPT', 'dictionary 9');
    await expectRefused(forge.stream([column], [words([0, 8, 3])]), 'INPUT_CORRUPT', 'dictionary 9', 'descend');
    await expectRefused(
      forge.file([column], [words([0, 3]), words([0, 8]), codes([0])]),
      'INPUT_CORRUPT',
      'dictionary 9 twice',
    );
    const others = forge.field('y', 4, {}, { 4: { table: { 0: { i64: 9n } } } });
    await expectRefused(forge.stream([column, others], []), 'INPUT_CORRUPT', 'share dictionary 9');
  });

  it('counts what dictionaries hold: all of what is added, only the last of what is replaced (A9)', async () => {
    const many = (isDelta: boolean) =>
      forge.stream(
        [column],
        [words([0, 3]), ...Array.from({ length: 50 }, () => words([0, 3, 8], isDelta)), codes([0])],
      );
    const options = { memoryBytes: 200 };
    expect((await convert(connection, folder, many(false), options)).rows).toBe(1);
    expect((await refusal(convert(connection, folder, many(true), options))).code).toBe('INPUT_TOO_LARGE');
  });

  it('keeps the rows before a dictionary is replaced or extended', async () => {
    const bytes = forge.stream(
      [column],
      [words([0, 3]), codes([0]), words([0, 8], true), codes([1, 0]), words([3, 8]), codes([0])],
    );
    expect(await valuesOf(bytes)).toEqual(['red', 'redgreen', 'red', 'green']);
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
    expect(await valuesOf(one(decimal(4, 128), forge.int64s(9999, 0)))).toEqual(['999.9']);
    expect(await valuesOf(one(decimal(4, 128), forge.int64s(-9999, -1)))).toEqual(['-999.9']);
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
      await expectRefused(one(decimal(precision, bits), bytes), 'INPUT_CORRUPT', 'column "x"', 'row 0', 'digits');
    }
  });

  it('reads a decimal whose scale is above its precision', async () => {
    const small = forge.field('x', 7, { 0: { i32: 2 }, 1: { i32: 5 } });
    expect(await valuesOf(one(small, forge.int64s(12, 0)))).toEqual(['0.00012']);
  });

  it('refuses dates and timestamps outside of its range, and times outside the day', async () => {
    await expectRefused(
      one(timestamp(0), forge.int64s(2n ** 60n)),
      'INPUT_UNSUPPORTED',
      'column "x"',
      'row 0',
      'range',
    );
    await expectRefused(one(timestamp(1), forge.int64s(-(2n ** 62n))), 'INPUT_UNSUPPORTED', 'range');
    await expectRefused(one(timestamp(2), forge.int64s(2n ** 63n - 1n)), 'INPUT_UNSUPPORTED', 'range');
    await expectRefused(one(timestamp(3), forge.int64s(-(2n ** 63n))), 'INPUT_UNSUPPORTED', 'range');
    await expectRefused(one(date(0), forge.int32s(2 ** 31 - 1)), 'INPUT_UNSUPPORTED', 'range');
    await expectRefused(one(date(1), forge.int64s(86_400_001)), 'INPUT_CORRUPT', 'not a whole day');
    await expectRefused(
      one(date(1), forge.int64s(2n ** 62n - (2n ** 62n % 86_400_000n))),
      'INPUT_UNSUPPORTED',
      'range',
    );
    await expectRefused(one(time(0, 32), forge.int32s(86_400)), 'INPUT_CORRUPT', 'outside the day');
    await expectRefused(one(time(3, 64), forge.int64s(-1)), 'INPUT_CORRUPT', 'outside the day');
  });
});

describe('damaged compression', () => {
  const column = forge.INT32('x');
  const of = (codec: number, size: bigint, data: Uint8Array) =>
    forge.stream(
      [column],
      [{ rows: 2, nodes: [[2, 0]], buffers: [NONE, Buffer.concat([forge.int64s(size), data])], codec }],
    );

  it('reads a buffer that was left as it is', async () => {
    expect(await valuesOf(of(0, -1n, forge.int32s(5, 6)))).toEqual(['5', '6']);
  });

  it('refuses a size before it allocates it (A36)', async () => {
    for (const codec of [0, 1]) {
      await expectRefused(of(codec, 2n ** 45n, NONE), 'INPUT_TOO_LARGE', 'column "x"');
      await expectRefused(of(codec, -5n, NONE), 'INPUT_CORRUPT', 'column "x"');
      await expectRefused(of(codec, 7n, NONE), 'INPUT_CORRUPT', 'column "x"', 'too short');
    }
  });

  it('refuses data that is not compressed as it says (A36)', async () => {
    await expectRefused(of(0, 8n, forge.int32s(5, 6, 7, 8)), 'INPUT_CORRUPT', 'column "x"', 'LZ4');
    await expectRefused(of(0, -1n, forge.int32s(5)), 'INPUT_CORRUPT', 'too short');
    const short = forge.stream(
      [column],
      [{ rows: 2, nodes: [[2, 0]], buffers: [NONE, Uint8Array.of(1, 2)], codec: 0 }],
    );
    await expectRefused(short, 'INPUT_CORRUPT', 'column "x"');
  });
});

describe('damaged streams', () => {
  const column = forge.INT32('x');
  const good: forge.ForgedBatch = { rows: 2, nodes: [[2, 0]], buffers: [NONE, forge.int32s(1, 2)] };

  it('walks to the end marker itself, whatever was seen while planning (A35)', async () => {
    const path = join(folder, 'cut.arrow');
    const target = join(folder, 'cut.parquet');
    const convertCut = (length: number) => {
      writeFileSync(path, whole.subarray(0, length));
      const common = {
        connection,
        path,
        target,
        compression: 'uncompressed',
        memoryBytes: 2 ** 20,
        name: 'cut.arrow',
      } as const;
      return arrowToParquet({ ...common, format: 'arrow-stream', columns: ['x'] });
    };
    const whole = forge.stream([column], [good, good]);
    const message = forge.batchMessage(good).length;
    const betweenMessages = [0, 8, 8 + message, 8 + 2 * message].map((bytes) => whole.length - bytes);
    expect((await convertCut(betweenMessages[0] ?? 0)).rows).toBe(4);
    for (const length of [...betweenMessages.slice(1), whole.length - 1, whole.length - 4, whole.length - 20]) {
      expect((await refusal(convertCut(length))).code).toBe('INPUT_TRUNCATED');
      expect(existsSync(target)).toBe(false);
    }
  });

  it('refuses bytes behind the end of the stream', async () => {
    const two = Buffer.concat([forge.stream([column], [good]), forge.stream([column], [good])]);
    await expectRefused(two, 'INPUT_FORMAT', 'follow the end of the stream');
  });

  it('refuses a second schema and messages of other kinds', async () => {
    const message = forge.batchMessage(good);
    const parts = (middle: Uint8Array) =>
      Buffer.concat([forge.schemaMessage([column]), message, middle, message, forge.END]);
    await expectRefused(parts(forge.schemaMessage([column])), 'INPUT_CORRUPT', 'second schema');
    await expectRefused(parts(forge.message(4, {})), 'INPUT_UNSUPPORTED', 'tensor');
    await expectRefused(parts(forge.message(77, {})), 'INPUT_CORRUPT', 'kind 77');
    const negative = Buffer.alloc(8, 255);
    await expectRefused(parts(negative), 'INPUT_CORRUPT', 'record batch 1');
    const huge = Buffer.from(negative);
    huge.writeInt32LE(2 ** 30, 4);
    await expectRefused(parts(huge), 'INPUT_CORRUPT', 'record batch 1');
  });

  it('refuses a column that is not there, and record batches of a file that are not there', async () => {
    const missing = await refusal(convert(connection, folder, forge.stream([column], [good]), { columns: ['y'] }));
    expect(missing.code).toBe('INPUT_SCHEMA');
    const file = forge.file([column], [good]);
    const beyond = await refusal(convert(connection, folder, file, { batches: { first: 0, last: 1 } }));
    expect([beyond.code, beyond.message]).toEqual(['INPUT_TRUNCATED', expect.stringContaining('record batch 1')]);
  });

  it('reads the twin columns of one file apart (A25)', async () => {
    const names = ['Twin', 'twin', '__proto__', 'a.b', 'quo"te', 'nul\0'];
    const batch: forge.ForgedBatch = {
      rows: 1,
      nodes: names.map(() => [1, 0] as const),
      buffers: names.flatMap((_, i) => [NONE, forge.int32s(i)]),
    };
    const result = await convert(connection, folder, forge.stream(names.map(forge.INT32), [batch]), {
      columns: names.toReversed(),
    });
    expect(result.columns).toEqual(names.map((name, i) => [name, [String(i)]]).toReversed());
    expect([...result.names.values()]).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  });
});
