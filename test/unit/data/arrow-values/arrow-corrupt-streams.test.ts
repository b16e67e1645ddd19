import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrowToParquet } from '../../../../src/data/arrow-values/arrow-to-parquet.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { ArrowBench } from './arrow-fixture.ts';
import * as forge from './arrow-forge.ts';

const NONE = new Uint8Array(0);
let bench: ArrowBench;

beforeAll(async () => {
  bench = await ArrowBench.open();
});

afterAll(() => bench.close());

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
    expect(await bench.valuesOf(forge.stream([column], [dictionary, codes([0, 1])]))).toEqual(['red', 'green']);
    for (const code of [2, 127, -1, -128]) {
      const bytes = forge.stream([column], [dictionary, codes([0]), codes([1, code])]);
      await bench.expectRefused(bytes, 'INPUT_CORRUPT', 'record batch 1', 'column "x"', 'row 1', 'out of range');
    }
  });

  it('takes no notice of an index under a null', async () => {
    expect(await bench.valuesOf(forge.stream([column], [words([0, 3]), codes([0, 99], 1)]))).toEqual(['red', null]);
    expect(await bench.valuesOf(forge.stream([column], [codes([99], 0)]))).toEqual([null]);
  });

  it('refuses dictionaries that are missing, damaged, or come twice in a file', async () => {
    await bench.expectRefused(forge.stream([column], [codes([0])]), 'INPUT_CORRUPT', 'a dictionary with id 9');
    await bench.expectRefused(forge.stream([column], [words([0, 3], true)]), 'INPUT_CORRUPT', 'dictionary 9');
    await bench.expectRefused(forge.stream([column], [words([0, 8, 3])]), 'INPUT_CORRUPT', 'dictionary 9', 'descend');
    await bench.expectRefused(
      forge.file([column], [words([0, 3]), words([0, 8]), codes([0])]),
      'INPUT_CORRUPT',
      'dictionary 9 twice',
    );
    const others = forge.field('y', 4, {}, { 4: { table: { 0: { i64: 9n } } } });
    await bench.expectRefused(forge.stream([column, others], []), 'INPUT_CORRUPT', 'share dictionary 9');
  });

  it('counts what dictionaries hold: all of what is added, only the last of what is replaced (A9)', async () => {
    const many = (isDelta: boolean) =>
      forge.stream(
        [column],
        [words([0, 3]), ...Array.from({ length: 50 }, () => words([0, 3, 8], isDelta)), codes([0])],
      );
    const options = { memoryBytes: 200 };
    expect((await bench.convert(many(false), options)).rows).toBe(1);
    expect((await failureOf(bench.convert(many(true), options))).code).toBe('INPUT_TOO_LARGE');
  });

  it('keeps the rows before a dictionary is replaced or extended', async () => {
    const bytes = forge.stream(
      [column],
      [words([0, 3]), codes([0]), words([0, 8], true), codes([1, 0]), words([3, 8]), codes([0])],
    );
    expect(await bench.valuesOf(bytes)).toEqual(['red', 'redgreen', 'red', 'green']);
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
    expect(await bench.valuesOf(of(0, -1n, forge.int32s(5, 6)))).toEqual(['5', '6']);
  });

  it('refuses a size before it allocates it (A36)', async () => {
    for (const codec of [0, 1]) {
      await bench.expectRefused(of(codec, 2n ** 45n, NONE), 'INPUT_TOO_LARGE', 'column "x"');
      await bench.expectRefused(of(codec, -5n, NONE), 'INPUT_CORRUPT', 'column "x"');
      await bench.expectRefused(of(codec, 7n, NONE), 'INPUT_CORRUPT', 'column "x"', 'too short');
    }
  });

  it('refuses data that is not compressed as it says (A36)', async () => {
    await bench.expectRefused(of(0, 8n, forge.int32s(5, 6, 7, 8)), 'INPUT_CORRUPT', 'column "x"', 'LZ4');
    await bench.expectRefused(of(0, -1n, forge.int32s(5)), 'INPUT_CORRUPT', 'too short');
    const short = forge.stream(
      [column],
      [{ rows: 2, nodes: [[2, 0]], buffers: [NONE, Uint8Array.of(1, 2)], codec: 0 }],
    );
    await bench.expectRefused(short, 'INPUT_CORRUPT', 'column "x"');
  });
});

describe('damaged streams', () => {
  const column = forge.INT32('x');
  const good: forge.ForgedBatch = { rows: 2, nodes: [[2, 0]], buffers: [NONE, forge.int32s(1, 2)] };

  it('walks to the end marker itself, whatever was seen while planning (A35)', async () => {
    const path = join(bench.folder, 'cut.arrow');
    const target = join(bench.folder, 'cut.parquet');
    const convertCut = (length: number) => {
      writeFileSync(path, whole.subarray(0, length));
      const common = {
        connection: bench.connection,
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
      expect((await failureOf(convertCut(length))).code).toBe('INPUT_TRUNCATED');
      expect(existsSync(target)).toBe(false);
    }
  });

  it('refuses bytes behind the end of the stream', async () => {
    const two = Buffer.concat([forge.stream([column], [good]), forge.stream([column], [good])]);
    await bench.expectRefused(two, 'INPUT_FORMAT', 'follow the end of the stream');
  });

  it('refuses a second schema and messages of other kinds', async () => {
    const message = forge.batchMessage(good);
    const parts = (middle: Uint8Array) =>
      Buffer.concat([forge.schemaMessage([column]), message, middle, message, forge.END]);
    await bench.expectRefused(parts(forge.schemaMessage([column])), 'INPUT_CORRUPT', 'second schema');
    await bench.expectRefused(parts(forge.message(4, {})), 'INPUT_UNSUPPORTED', 'tensor');
    await bench.expectRefused(parts(forge.message(77, {})), 'INPUT_CORRUPT', 'kind 77');
    const negative = Buffer.alloc(8, 255);
    await bench.expectRefused(parts(negative), 'INPUT_CORRUPT', 'record batch 1');
    const huge = Buffer.from(negative);
    huge.writeInt32LE(2 ** 30, 4);
    await bench.expectRefused(parts(huge), 'INPUT_CORRUPT', 'record batch 1');
  });

  it('refuses a column that is not there, and record batches of a file that are not there', async () => {
    const missing = await failureOf(bench.convert(forge.stream([column], [good]), { columns: ['y'] }));
    expect(missing.code).toBe('INPUT_SCHEMA');
    const file = forge.file([column], [good]);
    const beyond = await failureOf(bench.convert(file, { batches: { first: 0, last: 1 } }));
    expect([beyond.code, beyond.message]).toEqual(['INPUT_TRUNCATED', expect.stringContaining('record batch 1')]);
  });

  it('keeps the rows when no column is asked for', async () => {
    const { rows, target, names } = await bench.convert(forge.stream([column], [good, good]), { columns: [] });
    const counted = await bench.connection.runAndReadAll(`select count(*) from '${target}'`);
    expect([rows, names.size, counted.getRows()]).toEqual([4, 0, [[4n]]]);
  });

  it('reads the twin columns of one file apart (A25)', async () => {
    const names = ['Twin', 'twin', '__proto__', 'a.b', 'quo"te', 'nul\0'];
    const batch: forge.ForgedBatch = {
      rows: 1,
      nodes: names.map(() => [1, 0] as const),
      buffers: names.flatMap((_, i) => [NONE, forge.int32s(i)]),
    };
    const result = await bench.convert(forge.stream(names.map(forge.INT32), [batch]), {
      columns: names.toReversed(),
    });
    expect(result.columns).toEqual(names.map((name, i) => [name, [String(i)]]).toReversed());
    expect([...result.names.values()]).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  });
});
