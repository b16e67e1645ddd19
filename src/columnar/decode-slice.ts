import { PrescoreError } from '../errors/prescore-error.ts';
import { type Duck, parquetSource, quoteName, quoteText } from './duckdb.ts';
import type { SourceKind } from './source-kind.ts';
import type { VectorBatch } from './vector-batch.ts';
import type { LocalSlice } from './write-part.ts';

export interface SliceColumn {
  readonly name: string;
  readonly kind: SourceKind;
  /** DuckDB type of a path column's constant. */
  readonly type: string;
}

/**
 * Streams the named columns of a slice in row order. Exactly rowEnd - rowStart rows come, or an error.
 *
 * Errors: INPUT_CORRUPT when a page does not decode or rows are missing. Owns: see `Duck.stream`.
 */
export async function* decodeSlice(
  duck: Duck,
  slice: LocalSlice,
  columns: readonly SliceColumn[],
): AsyncGenerator<VectorBatch> {
  const select = columns.map((c, i) => `${c.kind.sql(columnSql(slice, c))} as c${i}`);
  if (select.length === 0) select.push('true as c0');
  const query = `select ${select.join(', ')} from ${parquetSource(slice.path)}
    where file_row_number >= ${slice.rowStart} and file_row_number < ${slice.rowEnd}`;
  let rows = 0;
  try {
    for await (const batch of duck.stream(query)) {
      rows += batch.rows;
      yield batch;
    }
  } catch (error) {
    throw corrupt(error, slice, rows);
  }
  if (rows !== slice.rowEnd - slice.rowStart) {
    throw new PrescoreError('INPUT_CORRUPT', {
      what: 'file gives another number of rows than its footer says',
      where: `${slice.uri} rows ${slice.rowStart} to ${slice.rowEnd}`,
      expected: `${slice.rowEnd - slice.rowStart}`,
      got: `${rows}`,
    });
  }
}

function columnSql(slice: LocalSlice, column: SliceColumn): string {
  const name = slice.names.get(column.name);
  if (name !== undefined) return quoteName(name);
  const value = slice.pathValues[column.name];
  if (value !== undefined) return `${quoteText(value)}::${column.type}`;
  throw new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(column.name)} is missing`,
    where: slice.uri,
  });
}

function corrupt(error: unknown, slice: LocalSlice, rows: number): unknown {
  if (!(error instanceof Error) || error instanceof PrescoreError) return error;
  const isMemory = /Out of Memory/i.test(error.message);
  const where = `${slice.uri} near row ${slice.rowStart + rows}`;
  const what = error.message.split('\n')[0]!.replaceAll(slice.path, slice.uri);
  return new PrescoreError(isMemory ? 'INPUT_TOO_LARGE' : 'INPUT_CORRUPT', { what, where, cause: error });
}
