import type { ColumnInfo, FileDescription, RowGroupInfo } from '../contract/table.ts';
import { isPrescoreError, PrescoreError } from '../errors/prescore-error.ts';
import type { ByteSource } from './byte-source.ts';
import { type Duck, parquetSource } from './duckdb.ts';
import { type ParquetFooter, readParquetFooter } from './parquet-footer.ts';
import { parquetFrame, writeSparse } from './sparse-file.ts';

/**
 * Columns with DuckDB's types, and row groups, of a Parquet file, from its footer alone. `localPath` is the file itself
 * when it can be read in place; else the footer is written into a sparse file at `sparsePath` for DuckDB to look at.
 *
 * Errors: those of `readParquetFooter`; INPUT_UNSUPPORTED when DuckDB does not know a type.
 */
export async function describeParquet(
  duck: Duck,
  source: ByteSource,
  object: { readonly uri: string; readonly etag: string },
  localPath: string | null,
  sparsePath: string,
): Promise<FileDescription> {
  const footer = await readParquetFooter(source, object.uri);
  if (localPath === null) await writeSparse(source, sparsePath, parquetFrame(footer, source.size), []);
  const columns = await describeColumns(duck, footer, localPath ?? sparsePath, object.uri);
  const rowGroups = footer.metadata.row_groups.map((group): RowGroupInfo => {
    let compressedBytes = 0;
    let uncompressedBytes = 0;
    for (const chunk of group.columns) {
      compressedBytes += Number(chunk.meta_data?.total_compressed_size ?? 0n);
      uncompressedBytes += Number(chunk.meta_data?.total_uncompressed_size ?? 0n);
    }
    return { rows: Number(group.num_rows), compressedBytes, uncompressedBytes };
  });
  const rows = rowGroups.reduce((sum, group) => sum + group.rows, 0);
  return { uri: object.uri, etag: object.etag, size: source.size, format: 'parquet', columns, rowGroups, rows };
}

/** DuckDB's name for every column of a local Parquet file: twins that differ only in case are renamed by DuckDB. */
export async function duckNames(duck: Duck, path: string, names: readonly string[]): Promise<Map<string, string>> {
  const described = await duck.describe(`select * exclude (file_row_number) from ${parquetSource(path)}`);
  return new Map(names.map((name, i) => [name, described[i]?.name ?? name]));
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
      nullable: column.element.repetition_type !== 'REQUIRED',
      ...(column.lossy === undefined ? {} : { lossy: column.lossy }),
    }));
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    const what = `schema cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new PrescoreError('INPUT_UNSUPPORTED', { what, where: uri, cause: error });
  }
}
