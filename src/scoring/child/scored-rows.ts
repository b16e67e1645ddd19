import { randomBytes } from 'node:crypto';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { type ColumnData, TableWriter } from '../../data/duckdb/table-writer.ts';
import { PREDICTION_HEAD } from '../../data/duckdb/write-part.ts';
import type { RejectCodes } from '../tensor/reject-codes.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { Slab } from '../thread/slab-ring.ts';
import type { BoundRun } from './bound-run.ts';

type Scored = Awaited<ReturnType<InferenceThreads['score']>>;

let walks = 0;

/** A number that no other walk of this child has: slabs of one walk share a dictionary of texts. */
export function newWalk(): number {
  return ++walks;
}

/** Marks the rows that the model or its answers reject in the slab's codes, unless an input rule has done so. */
export function markRejects(slab: Slab, { rejects }: Scored, codes: RejectCodes): void {
  const marks = slab.feeds.codes;
  for (const { row, rule, column, message } of rejects) {
    if (marks[row] === 0) marks[row] = codes.codeOf(rule, column, message);
  }
}

/** The columns of the prediction table for the first `rows` rows of a slab. Owns: the slab stays the ring's. */
export function predictionRows(slab: Slab, { columns }: Scored, rows: number, run: BoundRun): ColumnData[] {
  const positions = new BigInt64Array(slab.positions.buffer, 0, rows);
  const { outputs } = run.context.binding;
  const predictions = columns.map((c, i): ColumnData => {
    if (c.kind !== 'fixed') return c;
    const { kind, labels } = outputs[i]!;
    if (kind === 'reasons')
      return { kind: 'textList', places: c.data as Int32Array, texts: (labels ?? []).map(String), width: c.width };
    return c.isList ? { kind: 'list', data: c.data, width: c.width } : { kind: 'fixed', data: c.data };
  });
  return [{ kind: 'fixed', data: positions }, { kind: 'fixed', data: slab.feeds.codes }, ...predictions];
}

/** A new table for the predictions of a run, which ends with its connection. Errors: DuckDB's own. Owns: the caller closes it. */
export async function openPredictions(duck: Duck, table: string, run: BoundRun): Promise<TableWriter> {
  const predictions = run.predictions.map((c, i) => `, p${i} ${c.type}`).join('');
  await duck.run(`create temp table ${table} (${PREDICTION_HEAD}${predictions})`);
  return TableWriter.open(duck, table);
}

/**
 * Does work with a name for a table of predictions that no other walk has. When the work fails the table is dropped, as the walk
 * may be repeated on the same connection; else it ends with the connection.
 */
export async function withPredictionTable<T>(
  lane: Duck,
  label: string,
  work: (table: string) => Promise<T>,
): Promise<T> {
  const table = newTableName(label);
  try {
    return await work(table);
  } catch (error) {
    await lane.run(`drop table if exists ${table}`);
    throw error;
  }
}

/** A name that no other walk's table has. */
export function newTableName(label: string): string {
  return `${label}_${randomBytes(4).toString('hex')}`;
}
