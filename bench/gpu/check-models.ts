import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Ran, runPrescore } from './run-job.ts';
import type { Subject } from './subjects.ts';

/** Two outputs of one table, compared row by row. */
export interface Difference {
  readonly rows: number;
  /** Rows of which a prediction has other bits. */
  readonly differing: number;
  readonly largest: number;
}

/** What the checks of one model found. */
export interface ModelCheck {
  readonly model: string;
  readonly rows: number;
  /** `device` of the run's manifest; null when the device refused the model. */
  readonly granted: unknown;
  readonly refusal: string | null;
  readonly rerun: Difference | null;
  /** Batch size -> difference to batches of the first size. */
  readonly batches: Readonly<Record<string, Difference>>;
  readonly cpu: Difference | null;
  readonly tolerance: number;
  readonly verdict: 'same' | 'within tolerance' | 'on the CPU' | 'FAILED';
}

/** Batch sizes that are compared with batches of the first, beside `auto`. */
export const BATCHES: readonly number[] = [4096, 1024, 16_384];

/**
 * Scores a model on the device in several ways and on the CPU, and compares. A device may refuse a model only for want of kernels.
 * `sizes` has one batch size at least.
 */
export async function checkModel(
  subject: Subject,
  device: string,
  folder: string,
  sizes: readonly number[] = BATCHES,
): Promise<ModelCheck> {
  const { name: model, tolerance, file } = subject;
  const first = await runPrescore(subject, folder, { device, batchRows: sizes[0] });
  const base = { model, rows: file.rows, tolerance, granted: first.done?.device.granted ?? null };
  if (first.done === null) {
    const refusal = first.error?.what ?? `exit code ${first.code}`;
    const isExpected = first.error?.code === 'PROVIDER_UNAVAILABLE' && /no kernel for any node/.test(refusal);
    const verdict = isExpected ? 'on the CPU' : 'FAILED';
    return { ...base, refusal, rerun: null, batches: {}, cpu: null, verdict };
  }
  const to = async (execution: object): Promise<Difference | null> =>
    compare(subject, first, await runPrescore(subject, folder, execution));
  const rerun = await to({ device, batchRows: sizes[0] });
  const batches: Record<string, Difference> = {};
  for (const batchRows of [...sizes.slice(1), 'auto' as const]) {
    const found = await to({ device, batchRows });
    if (found !== null) batches[String(batchRows)] = found;
  }
  const cpu = await to({ device: 'cpu', batchRows: sizes[0] });
  const all = [rerun, cpu, ...Object.values(batches)];
  const isWhole = all.every((d) => d !== null && d.rows === file.rows) && Object.keys(batches).length === sizes.length;
  const largest = Math.max(...all.map((d) => d?.largest ?? Number.POSITIVE_INFINITY));
  const verdict = !isWhole || !(largest <= tolerance) ? 'FAILED' : largest === 0 ? 'same' : 'within tolerance';
  return { ...base, refusal: null, rerun, batches, cpu, verdict };
}

async function compare({ file }: Subject, a: Ran, b: Ran): Promise<Difference | null> {
  if (a.done === null || b.done === null) return null;
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await database.connect();
  const read = (ran: Ran): string => `read_parquet('${join(ran.output, '*.parquet')}', hive_partitioning=false)`;
  const columns = file.outputs.map((o) => o.column);
  const differs = columns.map((c) => `a.${c} is distinct from b.${c}`).join(' or ');
  const largest = columns.map((c) => `abs(a.${c}::DOUBLE - b.${c}::DOUBLE)`).join(', ');
  const result = await connection.runAndReadAll(
    `select count(*), count(*) filter (${differs}), coalesce(max(greatest(${largest})), 0)
     from ${read(a)} a join ${read(b)} b using (${file.id})`,
  );
  const [row] = result.getRows();
  connection.closeSync();
  return { rows: Number(row![0]), differing: Number(row![1]), largest: Number(row![2]) };
}
