import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Duck, quoteText } from '../../src/data/duckdb/duckdb.ts';
import { type CliRun, startPrescore } from './cli.ts';
import { FLIGHT_FEATURES, fixtures, sha256Of, writeJob } from './temp-job.ts';

/** Two months of flights in small row groups: 26 chunks that take about a second on two cores. */
export async function writeFlights(folder: string): Promise<string> {
  const path = join(folder, 'flights.parquet');
  const scratchDir = join(folder, 'duck');
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 256 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  const from = ['01', '02'].map((m) => quoteText(join(fixtures, `flights/month=${m}/part-0.parquet`))).join(', ');
  await duck.run(
    `copy (select * from read_parquet([${from}], hive_partitioning = false)) to ${quoteText(path)} (format parquet, row_group_size 2048)`,
  );
  duck.close();
  rmSync(scratchDir, { recursive: true, force: true });
  return path;
}

/** A job over such a table. All of one input have the same parts, wherever and however they run. */
export function flightsJob(
  folder: string,
  input: string,
  changes: Readonly<Record<string, unknown>> = {},
  name?: string,
): string {
  mkdirSync(folder, { recursive: true });
  const model = join(fixtures, 'models/delay_histgb.onnx');
  const job = {
    model: { uri: model, version: '1', sha256: sha256Of(model) },
    input: { uri: input },
    features: { input: { columns: FLIGHT_FEATURES } },
    outputs: { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } },
    id: ['flight_id'],
    output: { uri: join(folder, 'out'), lineage: true },
    execution: { scorers: 1, chunkRows: 2048 },
    ...changes,
  };
  return writeJob(folder, job, name);
}

/** Rows of `writeFlights`. */
export const FLIGHT_ROWS = 51_955;

export const AS_OF = ['--as-of', '2013-04-01'] as const;

/** Locks that run out soon, so that a test need not wait for a minute. */
export const SHORT_LOCKS = ['--lock', '1500ms', '--stalled', '700ms', '--reconcile', '700ms'] as const;

export interface TestWorker extends CliRun {
  readonly log: () => string;
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a worker and waits until it takes tasks. */
export async function startWorker(
  redisUrl: string,
  allow: string,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<TestWorker> {
  const args = ['worker', '--redis', redisUrl, '--allow', allow, '--slots', '2', ...more];
  const run = startPrescore(args, { env: { PRESCORE_LOG_LEVEL: 'debug', ...env }, timeoutMs: 600_000 });
  let log = '';
  run.child.stderr?.on('data', (text: string) => {
    log += text;
  });
  const worker: TestWorker = {
    ...run,
    log: () => log,
    stop: async () => {
      run.child.kill('SIGTERM');
      run.child.kill('SIGCONT');
      return (await run.result).code;
    },
  };
  await until(() => log.includes('worker takes tasks') || run.child.exitCode !== null, 20_000);
  if (!log.includes('worker takes tasks')) throw new Error(`the worker did not start: ${log}`);
  return worker;
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > limit) throw new Error(`not so after ${limitMs} ms: ${isSo.toString()}`);
    await sleep(20);
  }
}

/** Chunk records below a state folder. */
export function recordedChunks(out: string): number {
  try {
    const names = readdirSync(join(out, '_prescore/runs'), { recursive: true, encoding: 'utf8' });
    return names.filter((name) => /chunks\/\d+\.\d+\.json$/.test(name)).length;
  } catch {
    return 0;
  }
}

/** sha256 of each part by name. */
export function partDigests(out: string): Record<string, string> {
  const names = readdirSync(out).filter((name) => name.endsWith('.parquet'));
  return Object.fromEntries(
    names.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex'),
    ]),
  );
}

/** What nobody may leave in an output: parts that wait. */
export function waitingIn(out: string): string[] {
  return readdirSync(out).filter((name) => name.startsWith('.prescore-'));
}

/** A folder for a whole test file; the caller removes it. */
export function fileFolder(name: string): string {
  const folder = join(tmpdir(), `prescore-${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}
