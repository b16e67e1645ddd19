import type { ColumnInfo, FileDescription, RowGroupInfo } from '../../base/contract/table.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { type ParquetFooter, readParquetFooter } from '../parquet/parquet-footer.ts';
import type { FooterColumn } from '../parquet/parquet-schema.ts';
import { parquetFrame, writeSparse } from '../parquet/sparse-file.ts';
import { type Duck, parquetSource } from './duckdb.ts';

export interface ParquetObject {
  readonly uri: string;
  readonly etag: string;
  /** The file itself when it can be read in place. */
  readonly localPath: string | null;
  /** Else the footer is written into a sparse file here, for DuckDB to look at. */
  readonly scratchPath: string;
  readonly maxFooterBytes: number;
}

/**
 * Columns with DuckDB's types, and row groups, of a Parquet file, from its footer alone.
 *
 * Errors: those of `readParquetFooter`; INPUT_UNSUPPORTED when DuckDB does not know a type.
 */
export async function describeParquet(duck: Duck, source: ByteSource, object: ParquetObject): Promise<FileDescription> {
  const { localPath, scratchPath } = object;
  const footer = await readParquetFooter(source, object.uri, object.maxFooterBytes);
  if (localPath === null) await writeSparse(source, scratchPath, parquetFrame(footer, source.size), []);
  const columns = await describeColumns(duck, footer, localPath ?? scratchPath, object.uri);
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

async function describeColumns(duck: Duck, footer: ParquetFooter, path: string, uri: string): Promise<ColumnInfo[]> {
  if (footer.columns.some((c) => c.name.toLowerCase() === 'file_row_number')) {
    throw new PrescoreError('INPUT_UNSUPPORTED', {
      what: 'a column is named file_row_number, which prescore uses itself',
      where: uri,
    });
  }
  try {
    const described = await duck.describe(`select * exclude (file_row_number) from ${parquetSource(path)}`);
    if (described.length !== footer.columns.length) {
      throw new PrescoreError('INPUT_FOOTER', { what: 'schema does not add up', where: uri });
    }
    return footer.columns.map((column, i) => ({
      name: column.name,
      type: described[i]!.type,
      ...onlyNulls(column, footer),
      nullable: !column.isRequired,
      ...(described[i]!.name === column.name ? {} : { duckName: described[i]!.name }),
      ...(column.lossy === null ? {} : { lossy: column.lossy }),
      ...(column.unsupported === null ? {} : { unsupported: column.unsupported }),
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
): Pick<ColumnInfo, 'onlyNulls'> {
  const isFlat = endLeaf === firstLeaf + 1 && !leaves[firstLeaf]!.isRepeated && !leaves[firstLeaf]!.path.includes('.');
  if (untyped === 'values' || (isFlat && groups.hasValues[firstLeaf] === 0)) return { onlyNulls: 'values' };
  return untyped === 'elements' ? { onlyNulls: 'elements' } : {};
}
