import { existsSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputColumn } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Duck, quoteName, quoteText } from './duckdb.ts';
import { columnExpression, type LocalSlice, POSITION_BITS, pathExpression } from './local-slice.ts';
import { runPosition, runRows, runSourceRow, runUri, type SliceRun, sliceRuns } from './slice-runs.ts';
import { castFault, widenedCast } from './widened-cast.ts';
import { keepZeroSigns } from './zero-signs.ts';

export interface PartOptions {
  readonly target: string;
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly rowGroupRows: number;
}

export interface Lineage {
  /** ISO, UTC. */
  readonly scoredAt: string;
  readonly modelName: string;
  readonly modelVersion: string | null;
  readonly runId: string;
}

/** Columns of the prediction table in front of the predictions: see `positionBase`, and the reject code. */
export const PREDICTION_HEAD = 'row_position BIGINT, reject_code USMALLINT';

/**
 * Writes a part: ids and passthrough columns straight from the input, beside the predictions, in input order. The two
 * sides are joined by position, and each row's own position is compared while it is written: a shifted row is an error,
 * never a wrong answer. The same rows give the same bytes.
 *
 * Errors: INTERNAL on misalignment, INPUT_SCHEMA for a value that does not fit its column's joined type; DuckDB's own errors
 * otherwise. Repeat: safe (write-once target).
 */
export async function writePart(
  duck: Duck,
  table: string,
  slices: readonly LocalSlice[],
  columns: readonly OutputColumn[],
  lineage: Lineage,
  options: PartOptions,
): Promise<void> {
  const signs = await keepZeroSigns(duck, columns, table, (floats) => inputQuery(slices, floats));
  await copyTo(duck, partQuery(table, slices, columns, lineage), options.target, options, signs);
}

/** One of the parts that are written together: its slices, and where it goes. */
export interface PartOfMany {
  readonly slices: readonly LocalSlice[];
  /** Null: the part is not wanted. */
  readonly target: string | null;
}

/**
 * `writePart` for several small parts in one statement, whose planning is most of what a tiny part costs: DuckDB divides the
 * rows by part. Gives the same bytes as one by one. Each part's rows must fit a row group. `folder` is new, on the file
 * system of the targets, and is gone afterwards; parts of which no row was scored get no file.
 *
 * Errors: as `writePart`. Repeat: safe (write-once targets).
 */
export async function writePartsTogether(
  duck: Duck,
  table: string,
  parts: readonly PartOfMany[],
  columns: readonly OutputColumn[],
  lineage: Lineage,
  options: Omit<PartOptions, 'target'> & { readonly folder: string },
): Promise<void> {
  const { folder } = options;
  const part = unusedName(columns);
  const owners = parts.flatMap(({ slices }, n) => slices.map(() => n));
  const numbers = owners.map((n, ordinal) => `when ${ordinal} then ${n}`).join(' ');
  const slices = parts.flatMap((p) => p.slices);
  const ofPart = `case i.row_position >> ${POSITION_BITS} ${numbers} end as ${quoteName(part)}`;
  const query = partQuery(table, slices, columns, lineage, [ofPart]);
  const divided = `, partition_by (${quoteName(part)}), file_extension 'waiting'`;
  try {
    const signs = await keepZeroSigns(duck, columns, table, (floats) => inputQuery(slices, floats));
    await copyTo(duck, query, folder, options, `${divided}${signs}`);
    for (const [n, { target }] of parts.entries()) {
      const written = join(folder, `${part}=${n}`, 'data_0.waiting');
      if (target !== null && existsSync(written)) renameSync(written, target);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** SQL for the scored rows of slices: the output columns, and `more`. */
function partQuery(
  table: string,
  slices: readonly LocalSlice[],
  columns: readonly OutputColumn[],
  lineage: Lineage,
  more: readonly string[] = [],
): string {
  const kept = columns.filter((c) => c.role === 'id' || c.role === 'passthrough');
  const select = columns.map((c) => `${outputExpression(c, columns, kept, lineage)} as ${quoteName(c.name)}`);
  return `select ${[...select, ...more].join(', ')}
    from (${inputQuery(slices, kept)}) i positional join ${quoteName(table)} p where ${aligned('p.reject_code = 0')}`;
}

function unusedName(columns: readonly OutputColumn[]): string {
  const taken = new Set(columns.map((c) => c.name.toLowerCase()));
  let name = 'part';
  while (taken.has(name)) name += '_';
  return name;
}

/** A part without rows, with the full schema: what a run commits when no row was scored. */
export async function writeEmptyPart(
  duck: Duck,
  columns: readonly OutputColumn[],
  options: PartOptions,
): Promise<void> {
  const select = columns.map((c) => `null::${c.type} as ${quoteName(c.name)}`);
  await copyTo(duck, `select ${select.join(', ')} limit 0`, options.target, options);
}

/** Runs a query into a Parquet file; returns its rows. Errors: those of `writePart`. */
export async function copyTo(
  duck: Duck,
  query: string,
  target: string,
  { compression, rowGroupRows }: Omit<PartOptions, 'target'>,
  more = '',
): Promise<number> {
  const codec = compression === 'none' ? 'uncompressed' : compression;
  // Level 1 took 12 % less CPU than DuckDB's default of 3, for files of the same size within 1 % (measured on predictions).
  const level = compression === 'zstd' ? ', compression_level 1' : '';
  try {
    const result = await duck.connection.run(
      `copy (${query}) to ${quoteText(target)} (format parquet, compression ${codec}${level}, row_group_size ${rowGroupRows}${more})`,
    );
    return result.rowsChanged;
  } catch (error) {
    if (error instanceof Error && error.message.includes('prescore: misaligned')) {
      throw new PrescoreError('INTERNAL', { what: 'predictions and input rows are out of step', where: target });
    }
    throw castFault(error) ?? error;
  }
}

// Holds where the condition does, and fails where a prediction row is not beside its input row.
function aligned(condition: string): string {
  return `case when i.row_position is not distinct from p.row_position then ${condition} else error('prescore: misaligned') end`;
}

/** SQL for the rows of all slices in order: columns c0, c1 …, and where each row comes from. */
export function inputQuery(slices: readonly LocalSlice[], columns: readonly OutputColumn[]): string {
  return sliceRuns(slices)
    .map((run) => runQuery(run, columns))
    .join(' union all ');
}

function runQuery(run: SliceRun, columns: readonly OutputColumn[]): string {
  const [first] = run.slices as [LocalSlice];
  const wanted = columns.map(
    (c, k) => `${widenedCast(inputExpression(first, c), c.type, c.name, runUri(run))} as c${k}`,
  );
  const head = `${runPosition(run)} as row_position, ${runUri(run)} as source_uri, ${runSourceRow(run)} as source_row`;
  return `select ${[head, ...wanted].join(', ')} from ${runRows(run)}`;
}

function inputExpression(slice: LocalSlice, column: OutputColumn): string {
  const stored = columnExpression(slice, column.name);
  if (stored !== null) return stored;
  const constant = pathExpression(slice, column.name, column.type);
  if (constant !== null) return constant;
  throw new PrescoreError('INTERNAL', { what: `column ${column.name} has no source`, where: slice.uri });
}

function outputExpression(
  column: OutputColumn,
  all: readonly OutputColumn[],
  kept: readonly OutputColumn[],
  lineage: Lineage,
): string {
  if (column.role === 'prediction') {
    return `p.p${all.filter((c) => c.role === 'prediction').indexOf(column)}`;
  }
  if (column.role !== 'lineage') return `i.c${kept.indexOf(column)}`;
  switch (column.name) {
    case 'scored_at':
      return `${quoteText(lineage.scoredAt)}::TIMESTAMPTZ`;
    case 'model_name':
      return constantText(lineage.modelName);
    case 'model_version':
      return lineage.modelVersion === null ? 'null::VARCHAR' : constantText(lineage.modelVersion);
    default:
      return constantText(lineage.runId);
  }
}

/** The first rows as JS values, for samples. Values that JSON cannot hold are texts. */
export async function previewRows(
  duck: Duck,
  table: string,
  slices: readonly LocalSlice[],
  columns: readonly OutputColumn[],
  limit: number,
): Promise<{ readonly position: number; readonly code: number; readonly values: readonly unknown[] }[]> {
  const kept = columns.filter((c) => c.role === 'id' || c.role === 'passthrough');
  const predictions = columns.filter((c) => c.role === 'prediction');
  const select = columns.map((c) =>
    c.role === 'prediction' ? `p.p${predictions.indexOf(c)}` : `i.c${kept.indexOf(c)}::VARCHAR`,
  );
  const query = `select i.source_row, p.reject_code${select.map((s) => `, ${s}`).join('')}
    from (${inputQuery(slices, kept)}) i positional join ${quoteName(table)} p where ${aligned('true')} limit ${limit}`;
  const rows = await duck.rows(query).catch((error: unknown) => {
    throw castFault(error) ?? error;
  });
  return rows.map(([position, code, ...values]) => ({
    position: Number(position),
    code: Number(code),
    values: values.map((v) => (typeof v !== 'bigint' ? v : Number.isSafeInteger(Number(v)) ? Number(v) : String(v))),
  }));
}

// As an enum of one value: the writer then need not look at the same text in every row (a fifth of a part's CPU). In the
// file it is a string like any other.
function constantText(text: string): string {
  return `${quoteText(text)}::enum(${quoteText(text)})`;
}
