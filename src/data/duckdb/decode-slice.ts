import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Duck, ExpectedTypes } from './duckdb.ts';
import {
  columnExpression,
  faultExpression,
  type LocalSlice,
  pathExpression,
  readFault,
  rowFaults,
  sliceLength,
} from './local-slice.ts';
import { runPosition, runRows, type SliceRun, sliceRuns } from './slice-runs.ts';
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
 * Where queries put what comes beside the columns: the number of a row's fault, when the slice has any; of several slices the
 * position.
 */
export function extraIndex(columns: readonly SliceColumn[]): number {
  return Math.max(1, columns.length);
}

/**
 * Streams the named columns of a run in row order, of a run of several slices each row's position with them. Exactly the rows of
 * the slices come, or an error.
 *
 * Errors: INPUT_CORRUPT when a page does not decode or rows are missing; of a run of several it does not tell which of them is
 * to blame. Owns: see `Duck.stream`.
 */
export async function* decodeRun(
  duck: Duck,
  run: SliceRun,
  columns: readonly SliceColumn[],
): AsyncGenerator<VectorBatch> {
  const slice = run.slices[0]!;
  const extra = run.slices.length > 1 ? runPosition(run) : rowFaults(slice).length > 0 ? faultExpression(slice) : null;
  const query = runQuery(run, columns, extra);
  const wanted = run.slices.reduce((sum, one) => sum + sliceLength(one), 0);
  const isSmall = wanted <= SMALL_ROWS;
  let rows = 0;
  try {
    const type = run.slices.length > 1 ? 'BIGINT' : slice.asBytes.size > 0 ? 'INTEGER' : null;
    const expected = expectedTypes(slice, columns, type);
    for await (const batch of isSmall ? duck.read(query, expected) : duck.stream(query, expected)) {
      rows += batch.rows;
      yield batch;
    }
  } catch (error) {
    throw readFault(error, `${slice.uri} near row ${slice.rowBase + slice.rowStart + rows}`);
  }
  if (rows !== wanted) {
    throw new PrescoreError('INPUT_CORRUPT', {
      what: 'file gives another number of rows than its footer says',
      where: `${slice.uri} rows ${slice.rowStart} to ${slice.rowEnd}`,
      expected: `${wanted}`,
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
  const queries = sliceRuns(slices).map((run) => runQuery(run, columns, runPosition(run)));
  return duck.read(queries.join(' union all '), expectedTypes(slices[0]!, columns, 'BIGINT'));
}

function expectedTypes(slice: LocalSlice, columns: readonly SliceColumn[], extra: string | null): ExpectedTypes {
  const wanted = columns.map(({ name, kind }) => ({ name, types: typesOf(kind) }));
  if (wanted.length === 0) wanted.push({ name: '', types: new Set(['BOOLEAN']) });
  if (extra !== null) wanted.push({ name: '', types: new Set([extra]) });
  return { where: slice.uri, columns: wanted };
}

function runQuery(run: SliceRun, columns: readonly SliceColumn[], extra: string | null): string {
  const select = columns.map((c) => c.kind.sql(columnSql(run.slices[0]!, c)));
  if (select.length === 0) select.push('true');
  if (extra !== null) select.push(extra);
  return `select ${select.map((sql, i) => `${sql} as c${i}`).join(', ')} from ${runRows(run)}`;
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
