import { rm } from 'node:fs/promises';
import type { ColumnInfo, FileDescription, RowGroupInfo } from '../../base/contract/table.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { type ParquetFooter, readParquetFooter } from '../parquet/parquet-footer.ts';
import type { FooterColumn } from '../parquet/parquet-schema.ts';
import { parquetFrame, writeSparse } from '../parquet/sparse-file.ts';
import { thinTail } from '../parquet/thin-footer.ts';
import { type Duck, parquetSource } from './duckdb.ts';

export interface ParquetObject {
  readonly uri: string;
  readonly etag: string;
  /** The file itself when it can be read in place. */
  readonly localPath: string | null;
  /** A new path. Else, and where the footer is large, it is written into a sparse file here for DuckDB to look at, and removed. */
  readonly scratchPath: string;
  readonly maxFooterBytes: number;
  /** Is given the footer of a Parquet file. */
  readonly onFooter?: (footer: ParquetFooter) => void;
}

/**
 * Columns with DuckDB's types, and row groups, of a Parquet file, from its footer alone.
 *
 * Errors: those of `readParquetFooter`; INPUT_UNSUPPORTED when DuckDB does not know a type.
 */
export async function describeParquet(duck: Duck, source: ByteSource, object: ParquetObject): Promise<FileDescription> {
  const { localPath, scratchPath } = object;
  const footer = await readParquetFooter(source, object.uri, object.maxFooterBytes);
  object.onFooter?.(footer);
  const columns = await columnsOf(footer, object.uri, async () => {
    const isLarge = footer.tail.length >= LARGE_FOOTER && footer.groups.count > 1;
    if (localPath !== null && !isLarge) return describeColumns(duck, footer, localPath, object.uri);
    const tail = isLarge ? thinTail(footer, 0, 1) : footer.tail;
    try {
      await writeSparse(source, scratchPath, parquetFrame({ tail }, source.size), []);
      return await describeColumns(duck, footer, scratchPath, object.uri);
    } finally {
      await rm(scratchPath, { force: true });
    }
  });
  const { groups } = footer;
  const sums = (of: Float64Array, group: number): number =>
    of.subarray(group * groups.leaves, (group + 1) * groups.leaves).reduce((sum, bytes) => sum + bytes, 0);
  const rowGroups = Array.from(
    groups.rows,
    (count, group): RowGroupInfo => ({
      rows: count,
      compressedBytes: sums(groups.length, group),
      uncompressedBytes: sums(groups.uncompressed, group),
    }),
  );
  const { rows } = footer;
  return { uri: object.uri, etag: object.etag, size: source.size, format: 'parquet', columns, rowGroups, rows };
}

/**
 * From here on DuckDB is shown a footer in which one row group is described: it takes a type from the schema alone, and reads all
 * groups to give it (160 ms for 4,000 of 21 columns).
 */
const LARGE_FOOTER = 256 * 1024;

/** Schemas whose columns are known: a table of many files has few. */
const MOST_SCHEMAS = 256;
const known = new Map<string, Promise<readonly ColumnInfo[]>>();
const plain = new WeakMap<readonly FooterColumn[], readonly ColumnInfo[]>();

/** Columns of a footer, the same array for all files that say the same. DuckDB is asked for its types once a schema. */
async function columnsOf(
  footer: ParquetFooter,
  uri: string,
  describe: () => Promise<readonly ColumnInfo[]>,
): Promise<readonly ColumnInfo[]> {
  if (footer.columns.some((c) => c.name.toLowerCase() === 'file_row_number')) {
    throw new PrescoreError('INPUT_UNSUPPORTED', {
      what: 'a column is named file_row_number, which prescore uses itself',
      where: uri,
    });
  }
  const nulls = footer.columns.map((column) => onlyNulls(column, footer));
  // Footers of one schema share their columns, of which nothing else is said.
  const isPlain = nulls.every((each) => each === null);
  const shared = isPlain ? plain.get(footer.columns) : undefined;
  if (shared !== undefined) return shared;
  // What a column of a file cannot be read for is about its chunks, not its schema.
  const faults = footer.columns.map((c) => c.unsupported ?? '');
  const schema = Buffer.from(footer.schemaBytes).toString('latin1');
  const types = await remembered(schema, () => inTurn(describe));
  const columns = remembered(`${schema}\n${JSON.stringify([nulls, faults])}`, async () =>
    footer.columns.map((column, i) => ({
      ...types[i]!,
      ...(nulls[i] === null ? {} : { onlyNulls: nulls[i] }),
      ...(column.unsupported === null ? {} : { unsupported: column.unsupported }),
    })),
  );
  if (isPlain) plain.set(footer.columns, await columns);
  return columns;
}

/** One after the other: files are looked at together, and a connection takes one query at a time. */
let turn: Promise<unknown> = Promise.resolve();

function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const mine = turn.then(task);
  turn = mine.catch(() => undefined);
  return mine;
}

function remembered(key: string, make: () => Promise<readonly ColumnInfo[]>): Promise<readonly ColumnInfo[]> {
  const found = known.get(key);
  // That another file cannot be looked at says nothing of this one.
  if (found !== undefined) return found.catch(() => remembered(key, make));
  const made = make();
  if (known.size >= MOST_SCHEMAS) known.delete(known.keys().next().value!);
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}

async function describeColumns(duck: Duck, footer: ParquetFooter, path: string, uri: string): Promise<ColumnInfo[]> {
  try {
    const described = await duck.describe(`select * exclude (file_row_number) from ${parquetSource(path)}`);
    if (described.length !== footer.columns.length) {
      throw new PrescoreError('INPUT_FOOTER', { what: 'schema does not add up', where: uri });
    }
    return footer.columns.map((column, i) => ({
      name: column.name,
      type: described[i]!.type,
      nullable: !column.isRequired,
      ...(described[i]!.name === column.name ? {} : { duckName: described[i]!.name }),
      ...(column.lossy === null ? {} : { lossy: column.lossy }),
    }));
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    const what = `schema cannot be read (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`;
    throw new PrescoreError('INPUT_UNSUPPORTED', { what, where: uri, cause: error });
  }
}

function onlyNulls(
  { untyped, firstLeaf, endLeaf }: FooterColumn,
  { groups, leaves }: ParquetFooter,
): 'values' | 'elements' | null {
  const isFlat = endLeaf === firstLeaf + 1 && !leaves[firstLeaf]!.isRepeated && !leaves[firstLeaf]!.path.includes('.');
  return isFlat && groups.hasValues[firstLeaf] === 0 ? 'values' : untyped;
}
