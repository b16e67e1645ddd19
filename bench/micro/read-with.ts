/*
 * Reads every value of 20 float columns and an id with one Parquet reader, in the fastest way that its interface has.
 * Arguments: duckdb|hyparquet|parquetjs-lite FILE. Prints {"rows", "sum"}.
 */
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { Duck, parquetSource } from '../../src/data/duckdb/duckdb.ts';

interface Read {
  readonly rows: number;
  readonly sum: number;
}

const FLOATS = Array.from({ length: 20 }, (_, k) => `f${String(k).padStart(2, '0')}`);
const GROUP = 65_536;

/** As a scorer of prescore reads: vectors of at most 2,048 rows, typed arrays over DuckDB's memory, ids left in DuckDB. */
async function withDuckdb(path: string): Promise<Read> {
  const duck = await Duck.open({ memoryBytes: 512 * 2 ** 20, scratchDir: tmpdir(), scratchBytes: 2 ** 30 });
  let [rows, sum] = [0, 0];
  const columns = FLOATS.map((name) => `coalesce(${name}::FLOAT, 'nan'::FLOAT)`);
  for await (const batch of duck.stream(`select ${columns.join(', ')}, length(id) from ${parquetSource(path)}`, {
    where: path,
    columns: [],
  })) {
    rows += batch.rows;
    for (let k = 0; k < FLOATS.length; k++) for (const value of batch.column(k).f32()) sum += value;
  }
  duck.close();
  return { rows, sum };
}

/** Whole columns of a row group at a time, never row objects. */
async function withHyparquet(path: string): Promise<Read> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let [rows, sum] = [0, 0];
  const total = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < total; rowStart += GROUP) {
    const rowEnd = Math.min(rowStart + GROUP, total);
    await parquetRead({
      file,
      metadata,
      rowStart,
      rowEnd,
      onChunk: ({ columnName, columnData }) => {
        if (columnName === 'id') rows += columnData.length;
        else for (const value of columnData as ArrayLike<number> & Iterable<number>) sum += value;
      },
    });
  }
  return { rows, sum };
}

/** It has row objects only. */
async function withParquetjs(path: string): Promise<Read> {
  const { ParquetReader } = createRequire(import.meta.url)('parquetjs-lite') as {
    ParquetReader: { openFile(path: string): Promise<ParquetjsReader> };
  };
  const reader = await ParquetReader.openFile(path);
  const cursor = reader.getCursor();
  let [rows, sum] = [0, 0];
  for (let row = await cursor.next(); row !== null; row = await cursor.next()) {
    rows++;
    for (const name of FLOATS) sum += row[name] as number;
  }
  await reader.close();
  return { rows, sum };
}

interface ParquetjsReader {
  getCursor(): { next(): Promise<Record<string, unknown> | null> };
  close(): Promise<void>;
}

const READERS: Readonly<Record<string, (path: string) => Promise<Read>>> = {
  duckdb: withDuckdb,
  hyparquet: withHyparquet,
  'parquetjs-lite': withParquetjs,
};

const [reader, path] = process.argv.slice(2) as [string, string];
process.stdout.write(`${JSON.stringify(await READERS[reader]!(path))}\n`);
