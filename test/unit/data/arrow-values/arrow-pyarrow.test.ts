import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeArrow } from '../../../../src/data/arrow/arrow-ipc.ts';
import { arrowToParquet } from '../../../../src/data/arrow-values/arrow-to-parquet.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { runPython } from '../../../harness/python.ts';
import { ArrowBench, sourceOf, type ValueText } from './arrow-fixture.ts';

interface Expected {
  readonly columns: readonly (readonly [string, readonly ValueText[]])[];
  readonly batches: readonly number[];
}

// Node.js 22.15 brought it.
const hasZstd = 'zstdDecompressSync' in zlib;

const CASES = [
  ['integers (A19, A20)', 'integers'],
  ['floats of 16, 32 and 64 bits (A21)', 'floats'],
  ['decimals of all widths', 'decimals'],
  ['dates, times, timestamps and durations', 'times'],
  ['texts and blobs with offsets and as views', 'texts'],
  ['dictionaries', 'dictionaries'],
  ['lists (A22, A23)', 'lists'],
  ['nulls', 'nulls'],
  ['odd names (A25, A26)', 'names'],
  ['zero rows (A13)', 'empty'],
  ['zero record batches (A14)', 'no_batches'],
  ['slices', 'sliced'],
  ['columns around types that are not read (A22)', 'unreadable'],
] as const;

describe('files and streams written by pyarrow', () => {
  let bench: ArrowBench;

  const bytesOf = (name: string): Uint8Array => readFileSync(join(bench.folder, `${name}.arrow`));
  const expectedOf = (name: string): Expected =>
    JSON.parse(readFileSync(join(bench.folder, `${name}.json`), 'utf8')) as Expected;

  async function expectEqual(file: string, name: string): Promise<void> {
    const expected = expectedOf(name);
    const columns = expected.columns.map(([column]) => column);
    const converted = await bench.convert(bytesOf(file), { columns });
    expect(converted.rowsPerBatch).toEqual(expected.batches);
    for (const [i, [column, values]] of expected.columns.entries()) {
      expect(converted.columns[i], column).toEqual([column, values]);
    }
  }

  beforeAll(async () => {
    bench = await ArrowBench.open();
    await runPython('make_arrow.py', [bench.folder]);
  }, 300_000);

  afterAll(() => bench.close());

  for (const [title, name] of CASES) {
    for (const form of ['file', 'stream']) {
      for (const codec of ['none', 'lz4', 'zstd']) {
        const label = codec === 'none' ? 'without compression' : `with ${codec} (A36)`;
        it.skipIf(codec === 'zstd' && !hasZstd)(`reads ${title} from a ${form} ${label}`, () =>
          expectEqual(`${name}.${form}.${codec}`, name),
        );
      }
    }
  }

  for (const form of ['file', 'stream']) {
    it(`reads a ${form} in the framing from before Arrow 0.15`, () => expectEqual(`legacy.${form}.none`, 'legacy'));
    it(`reads a ${form} in format V4`, () => expectEqual(`version4.${form}.none`, 'version4'));
    it(`reads dictionaries that grow between the batches of a ${form}`, async () => {
      await expectEqual(`delta.${form}.none`, 'delta');
      if (hasZstd) await expectEqual(`delta.${form}.zstd`, 'delta');
    });
  }

  it('reads dictionaries that are replaced between the batches of a stream', () =>
    expectEqual('replaced.stream.none', 'replaced'));

  it('reads single record batches of a file', async () => {
    const all = expectedOf('integers');
    const batches = { first: 1, last: 3 };
    const some = await bench.convert(bytesOf('integers.file.lz4'), {
      batches,
      columns: ['int64', 'uint64_null'],
    });
    expect(some.rowsPerBatch).toEqual([0, 1, 2047]);
    expect(some.columns).toEqual(
      ['int64', 'uint64_null'].map((name) => [name, new Map(all.columns).get(name)?.slice(2048, 2048 + 2048)]),
    );
  });

  it.each(['file', 'stream'])('sizes row groups by later rows that are much wider (%s)', async (form) => {
    const { target, rows, groupRows } = await bench.convert(bytesOf(`widening.${form}.none`), {
      memoryBytes: 2 ** 28,
      kept: new Set(['id', 'code']),
    });
    expect(rows).toBe(8192);
    // Of the kept columns a wide row has 4 KB, of all of them 32 KB; DuckDB writes no fewer than 2,048 together.
    expect(groupRows).toBe(4096);
    const groups = `select max(row_group_num_rows) from parquet_metadata('${target}')`;
    expect(Number((await bench.connection.runAndReadAll(groups)).getRows()[0]![0])).toBe(2048);
    const values = `select c0, length(c1), length(c2), c2[1], length(c3) from '${target}'`;
    const read = (await bench.connection.runAndReadAll(values)).getRows().map((row) => row.map(Number));
    const width = (i: number): number => (i < 4096 ? 1 : 8000 + i);
    const expected = Array.from({ length: 8192 }, (_, i) => {
      const list = Math.floor(width(i) / 8);
      return [i, width(i), list, list === 0 ? 0 : i, i < 4096 ? 0 : 4000];
    });
    expect(read).toEqual(expected);
  });

  it('refuses duplicate column names (A24)', async () => {
    for (const form of ['file', 'stream']) {
      const error = await failureOf(describeArrow(sourceOf(bytesOf(`duplicates.${form}.none`))));
      expect([error.code, error.message]).toEqual(['INPUT_DUPLICATE_COLUMN', expect.stringContaining('"a"')]);
    }
  });

  it('describes rows and byte ranges of record batches', async () => {
    const bytes = bytesOf('integers.file.none');
    const summary = await describeArrow(sourceOf(bytes));
    expect(summary.rows).toBe(5000);
    expect(summary.batches.map((batch) => batch.rows)).toEqual([2048, 0, 1, 2047, 904]);
    const ranges = [...summary.metadata, ...summary.batches].toSorted((a, b) => a.offset - b.offset);
    const covered = ranges.reduce((sum, range) => sum + range.length, 0);
    // All but the end-of-stream marker in front of the footer.
    expect(bytes.length - covered).toBe(8);
  });

  it('needs no more of a file than the ranges it names', async () => {
    const bytes = bytesOf('dictionaries.file.none');
    const summary = await describeArrow(sourceOf(bytes));
    const sparse = new Uint8Array(bytes.length);
    for (const range of [...summary.metadata, ...summary.batches.slice(1)]) {
      sparse.set(bytes.subarray(range.offset, range.offset + range.length), range.offset);
    }
    const path = join(bench.folder, 'sparse.bin');
    const target = join(bench.folder, 'sparse.parquet');
    writeFileSync(path, sparse);
    const convertFrom = (first: number) =>
      arrowToParquet({
        connection: bench.connection,
        path,
        format: 'arrow-file',
        columns: summary.columns.map((column) => column.name),
        batches: { first, last: 1 },
        target,
        compression: 'snappy',
        memoryBytes: 2 ** 26,
      });
    expect((await convertFrom(1)).rows).toBe(200);
    const expected = new Map(expectedOf('dictionaries').columns).get('int8_text')?.slice(2200);
    const read = await bench.connection.runAndReadAll(`select c0 from '${target}'`);
    expect(read.getColumns()[0]).toEqual(expected);
    expect((await failureOf(convertFrom(0))).code).toBe('INPUT_CORRUPT');
  });

  it('spells types as DuckDB does for a Parquet file of the same data', async () => {
    for (const name of ['integers', 'floats', 'decimals', 'times', 'texts', 'lists', 'nulls']) {
      const bytes = bytesOf(`${name}.file.none`);
      const summary = await describeArrow(sourceOf(bytes));
      const { target } = await bench.convert(bytes);
      const described = await bench.connection.runAndReadAll(`describe select * from '${target}'`);
      expect(summary.columns.map((column) => column.type)).toEqual(described.getRows().map((row) => row[1]));
    }
  });

  it('says which columns lose something', async () => {
    const { columns } = await describeArrow(sourceOf(bytesOf('times.stream.none')));
    const lossy = columns.filter((column) => column.lossy !== undefined).map((column) => [column.name, column.lossy]);
    expect(lossy).toEqual([
      ['duration_s', 'a duration becomes its plain number of seconds'],
      ['duration_ms', 'a duration becomes its plain number of milliseconds'],
      ['duration_us', 'a duration becomes its plain number of microseconds'],
      ['timestamp_ns_utc', 'nanoseconds are cut to microseconds'],
      ['timestamp_ns_zone', 'nanoseconds are cut to microseconds'],
      ['duration_ns', 'a duration becomes its plain number of nanoseconds'],
    ]);
  });

  it('describes what it cannot read and refuses it by name when it is asked for (A22)', async () => {
    const bytes = bytesOf('unreadable.file.none');
    const { columns } = await describeArrow(sourceOf(bytes));
    const unreadable = columns.filter((column) => column.unsupported !== undefined);
    expect(unreadable.map(({ name, type, unsupported }) => [name, type, unsupported])).toEqual([
      ['struct', 'STRUCT("x y" INTEGER, s VARCHAR)', 'a struct'],
      ['map', 'MAP(VARCHAR, INTEGER)', 'a map'],
      ['sparse', 'UNION("0" BIGINT, "1" VARCHAR)', 'a union'],
      ['dense', 'UNION("0" BIGINT, "1" VARCHAR)', 'a union'],
      ['interval', 'INTERVAL', 'an interval'],
      ['run_end', 'BIGINT', 'a run-end encoded column'],
      ['list_view', 'INTEGER[]', 'a list view'],
      ['list_struct', 'STRUCT("x y" INTEGER, s VARCHAR)[]', 'a struct'],
      ['wide_decimal', 'DECIMAL(39,2)', 'a decimal of more than 38 digits'],
      ['negative_scale', 'DECIMAL(5,-2)', 'a decimal of negative scale'],
    ]);
    for (const { name } of unreadable) {
      const error = await failureOf(bench.convert(bytes, { columns: ['one', name] }));
      expect(error.code).toBe('INPUT_UNSUPPORTED');
      expect(error.message).toContain(`column "${name}"`);
    }
  });
});
