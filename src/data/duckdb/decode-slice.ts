import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Duck, ExpectedTypes } from './duckdb.ts';
import {
  columnExpression,
  faultExpression,
  type LocalSlice,
  pathExpression,
  positionBase,
  readFault,
  rowFaults,
  sliceRows,
} from './local-slice.ts';
import { type SourceKind, typesOf } from './source-kind.ts';
import type { VectorBatch } from './vector-batch.ts';

export interface SliceColumn {
  readonly name: string;
  readonly kind: SourceKind;
  /** DuckDB type of a path column's constant. */
  readonly type: string;
}

/** Rows that are read whole: a column of texts, each cut to 64 KiB, takes 16 MiB. */
const SMALL_ROWS = 256;

/**
 * Where queries put what comes beside the columns: `decodeSlice` the number of a row's fault, when the slice has any;
 * `decodeTogether` the position.
 */
export function extraIndex(columns: readonly SliceColumn[]): number {
  return Math.max(1, columns.length);
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
  const query = sliceQuery(slice, columns, rowFaults(slice).length > 0 ? faultExpression(slice) : null);
  const isSmall = slice.rowEnd - slice.rowStart <= SMALL_ROWS;
  let rows = 0;
  try {
    const expected = expectedTypes(slice, columns, slice.asBytes.size > 0 ? 'INTEGER' : null);
    for await (const batch of isSmall ? duck.read(query, expected) : duck.stream(query, expected)) {
      rows += batch.rows;
      yield batch;
    }
  } catch (error) {
    throw readFault(error, `${slice.uri} near row ${slice.rowBase + slice.rowStart + rows}`);
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

/**
 * The named columns of several small slices in one query, in order, and each row's position (`positionBase` of the slice's
 * place). The columns must be of the same kinds in all slices, and none may be read as bytes.
 *
 * Errors: DuckDB's own; they do not tell which slice is to blame. Owns: see `Duck.read`.
 */
export function decodeTogether(
  duck: Duck,
  slices: readonly LocalSlice[],
  columns: readonly SliceColumn[],
): AsyncGenerator<VectorBatch> {
  const queries = slices.map((slice, ordinal) =>
    sliceQuery(slice, columns, `file_row_number + ${positionBase(ordinal)}`),
  );
  return duck.read(queries.join(' union all '), expectedTypes(slices[0]!, columns, 'BIGINT'));
}

function expectedTypes(slice: LocalSlice, columns: readonly SliceColumn[], extra: string | null): ExpectedTypes {
  const wanted = columns.map(({ name, kind }) => ({ name, types: typesOf(kind) }));
  if (wanted.length === 0) wanted.push({ name: '', types: new Set(['BOOLEAN']) });
  if (extra !== null) wanted.push({ name: '', types: new Set([extra]) });
  return { where: slice.uri, columns: wanted };
}

function sliceQuery(slice: LocalSlice, columns: readonly SliceColumn[], extra: string | null): string {
  const select = columns.map((c) => c.kind.sql(columnSql(slice, c)));
  if (select.length === 0) select.push('true');
  if (extra !== null) select.push(extra);
  return `select ${select.map((sql, i) => `${sql} as c${i}`).join(', ')} from ${sliceRows(slice)}`;
}

function columnSql(slice: LocalSlice, column: SliceColumn): string {
  const stored = columnExpression(slice, column.name);
  if (stored !== null) return stored;
  const constant = pathExpression(slice, column.name, column.type);
  if (constant !== null) return constant;
  throw new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(column.name)} is missing`,
    where: slice.uri,
  });
}
