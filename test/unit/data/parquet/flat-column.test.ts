import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duck, quoteText } from '../../../../src/data/duckdb/duckdb.ts';
import { type ColumnBuffer, FlatColumn } from '../../../../src/data/parquet/flat-column.ts';
import { type AskedColumn, areFlat, flatPlaces } from '../../../../src/data/parquet/flat-leaves.ts';
import { joinFiles } from '../../../../src/data/parquet/joined-file.ts';
import { PageBytes } from '../../../../src/data/parquet/page-bytes.ts';
import { type ParquetFooter, readParquetFooter, rowSpans } from '../../../../src/data/parquet/parquet-footer.ts';

const ROWS = 5000;
/** Few values and many, with nulls and without, NaN and signed zeros: dictionaries, plain pages, runs and packed groups. */
const COLUMNS: Readonly<Record<string, readonly [type: string, sql: string]>> = {
  f: ['FLOAT', 'case when i % 7 = 0 then null else (hash(i) % 1000) / 7 end'],
  wide: ['FLOAT', "case when i % 50 = 3 then 'nan' when i % 50 = 4 then '-0.0' else hash(i)::DOUBLE::VARCHAR end"],
  d: ['DOUBLE', 'hash(i + 1)::DOUBLE / 3'],
  few: ['DOUBLE', 'case when i < 3000 then null else i % 3 end'],
  n: ['INTEGER', '(hash(i) % 4000000000)::BIGINT - 2000000000'],
  l: ['BIGINT', 'case when i between 100 and 900 then null else (hash(i) >> 1)::BIGINT end'],
  one: ['BIGINT', '7'],
  none: ['INTEGER', 'null'],
};
const NAMES = Object.keys(COLUMNS);
const ASKED = NAMES.map((name): AskedColumn => ({ name, type: COLUMNS[name]![0] }));
const TABLE = `select i, 'r' || i as id, ${NAMES.map((name) => `(${COLUMNS[name]![1]})::${COLUMNS[name]![0]} as ${name}`).join(', ')}
  from range(${ROWS}) t(i)`;

describe('flat columns', () => {
  let folder: string;
  let duck: Duck;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prescore-flat-'));
    duck = await Duck.open({ memoryBytes: 2 ** 28, scratchDir: folder, scratchBytes: 2 ** 28 });
  });
  afterAll(async () => {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function written(
    options: string,
    query = TABLE,
  ): Promise<{ path: string; footer: ParquetFooter; bytes: Uint8Array }> {
    const path = join(folder, `${Math.random()}.parquet`);
    await duck.run(`copy (${query}) to ${quoteText(path)} (format parquet${options})`);
    const bytes = new Uint8Array(await readFile(path));
    const source = { size: bytes.length, read: async (at: number, length: number) => bytes.subarray(at, at + length) };
    return { path, bytes, footer: await readParquetFooter(source, path) };
  }

  function leavesOf(footer: ParquetFooter, asked = ASKED, mostBytes = 2 ** 28): number[] | null {
    const places = flatPlaces(footer, asked);
    const isFlat = places !== null && areFlat(footer, places, rowSpans(footer, 0, footer.rows), mostBytes);
    return isFlat ? places : null;
  }

  /** The words of each row of a column, read `step` rows at a time; 'null' for none. */
  function readAll(source: PageBytes, footer: ParquetFooter, leaf: number, step: number): string[] {
    const column = new FlatColumn(source, footer, leaf);
    const rows: string[] = [];
    for (const { group, rowStart, rowEnd } of rowSpans(footer, 0, footer.rows)) {
      column.open(group);
      for (let row = rowStart; row < rowEnd; row += step) {
        const count = Math.min(step, rowEnd - row);
        const words = new Int32Array(count * column.words);
        const buffer: ColumnBuffer = { words, valid: new Uint8Array((count >> 3) + 1).fill(255), hasNulls: false };
        column.read(count, buffer, 0);
        for (let i = 0; i < count; i++) {
          const isNull = buffer.hasNulls && ((buffer.valid[i >> 3]! >> (i & 7)) & 1) === 0;
          rows.push(isNull ? 'null' : words.subarray(i * column.words, (i + 1) * column.words).join());
        }
      }
    }
    return rows;
  }

  it.each([
    ', compression snappy, row_group_size 100',
    ', compression snappy, row_group_size 5000',
    ', compression uncompressed, row_group_size 2048',
    ', compression snappy, dictionary_size_limit 1',
    ', compression uncompressed, dictionary_size_limit 1, row_group_size 300',
  ])('hold the bits that DuckDB reads%s', async (options) => {
    const { path, footer, bytes } = await written(options);
    const leaves = leavesOf(footer)!;
    const expected = await duck.rows(
      `select ${NAMES.map((n) => (COLUMNS[n]![0] === 'FLOAT' || COLUMNS[n]![0] === 'INTEGER' ? `${n}::${COLUMNS[n]![0]}` : n)).join(', ')} from ${quoteText(path)}`,
    );
    for (const [i, name] of NAMES.entries()) {
      const [type] = COLUMNS[name]!;
      const wanted = expected.map((row) => (row[i] === null ? 'null' : wordsOf(type, row[i] as number | bigint)));
      for (const step of [1, 7, 333, 5000]) {
        const inMemory = readAll(new PageBytes('', bytes), footer, leaves[i]!, step);
        expect(inMemory, `${name}, ${step} at a time`).toEqual(wanted);
      }
      const source = new PageBytes(path, null);
      expect(readAll(source, footer, leaves[i]!, 100), `${name} of the file`).toEqual(wanted);
      source.close();
    }
  });

  it('are left to DuckDB in other codecs, types and forms', async () => {
    expect(leavesOf((await written(', compression zstd')).footer)).toBeNull();
    expect(
      leavesOf((await written('', TABLE.replace("'r' || i", "'r' || i as x, 1::SMALLINT"))).footer),
    ).not.toBeNull();
    const { footer } = await written('');
    for (const asked of [
      { name: 'id', type: 'VARCHAR' },
      { name: 'd', type: 'FLOAT' },
      { name: 'gone', type: 'FLOAT' },
    ])
      expect(leavesOf(footer, [asked])).toBeNull();
    expect(leavesOf(footer, [{ name: 'd', type: 'DOUBLE' }], 1000)).toBeNull();
  });

  it('end with a RangeError, or with as many rows, whatever byte of a page is damaged', async () => {
    const { footer, bytes } = await written(', row_group_size 200', `${TABLE} limit 300`);
    const leaves = leavesOf(footer)!;
    const end = bytes.length - footer.tail.length;
    for (let at = 4; at < end; at += 37) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      for (const leaf of leaves) {
        try {
          expect(readAll(new PageBytes('/nowhere', damaged), footer, leaf, 64)).toHaveLength(300);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }
    }
  });

  it('of many files are one file, in whose rows DuckDB finds their positions', async () => {
    const files = [await written(', row_group_size 100'), await written(', row_group_size 5000')];
    const parts = files.map(({ footer, bytes }, i) => ({
      ...{ footer, source: new PageBytes('', bytes), spans: rowSpans(footer, 0, footer.rows) },
      base: i * 2 ** 40,
    }));
    const path = join(folder, 'joined.parquet');
    const joined = joinFiles(parts, new Set(['id', 'few']), 'place')!;
    await writeFile(path, joined);
    const rows = await duck.rows(`select * from ${quoteText(path)}`);
    const own = await duck.rows(`select id, few from ${quoteText(files[0]!.path)}`);
    const place = (i: number): bigint => BigInt((i % ROWS) + Math.floor(i / ROWS) * 2 ** 40);
    expect(rows).toEqual([...own, ...own].map((row, i) => [...row, place(i)]));
  });
});

function wordsOf(type: string, value: number | bigint): string {
  if (type === 'INTEGER') return String(value);
  if (type === 'BIGINT') return Array.from(new Int32Array(BigInt64Array.of(BigInt(value)).buffer)).join();
  const floats = type === 'FLOAT' ? Float32Array.of(Number(value)) : Float64Array.of(Number(value));
  return Array.from(new Int32Array(floats.buffer)).join();
}
