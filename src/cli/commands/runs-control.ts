import type { TaskFailure } from '../../base/contract/queue-records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayCount, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { askAgain } from '../../fleet/queue/enqueue.ts';
import { cancelRun } from '../../fleet/queue/queue-launcher.ts';
import { TaskQueues } from '../../fleet/queue/task-queues.ts';
import { readRun } from '../../run/ledger/list-runs.ts';
import type { RecordStore } from '../../run/ledger/record-store.ts';
import { RunRequests } from '../../run/ledger/run-requests.ts';
import { openQueueRedis, ownName, type QueueFlags } from '../wiring/open-queue.ts';
import { type RecordsFlags, withNamedRun, withRun } from '../wiring/with-records.ts';

interface ControlFlags extends RecordsFlags, QueueFlags {
  readonly json?: boolean;
}

interface LogEntry {
  readonly at: string;
  readonly what: string;
  readonly text: string;
}

/** `prescore runs logs`: what the records tell about a run, the newest when none is named, in the order of time. */
export async function runsLogs(job: string | undefined, run: string | undefined, flags: ControlFlags): Promise<number> {
  return withRun(job, run, flags, async (records, runId) => {
    for (const entry of await timeline(records, runId)) {
      const { at, what, text } = entry;
      process.stdout.write(flags.json === true ? `${JSON.stringify(entry)}\n` : `${at}  ${what.padEnd(9)} ${text}\n`);
    }
    return 0;
  });
}

/** `prescore runs cancel`: workers obey within seconds; finished chunks are kept for `retry`. */
export async function runsCancel(
  job: string | undefined,
  run: string | undefined,
  flags: ControlFlags,
): Promise<number> {
  return withNamedRun(job, run, flags, async (records, runId) => {
    const requests = new RunRequests(records);
    const where = `${records.uri}/runs/${runId}`;
    const found = await readRun(records, runId);
    if (found === null) throw notFound(where);
    if (found.request === null) {
      const { lease } = found;
      const fix = lease === null ? 'Nobody works on it.' : `Interrupt process ${lease.pid} on ${lease.host}.`;
      throw new PrescoreError('USAGE', { what: 'no worker was asked for this run', where, fix });
    }
    if (!(await cancelRun(requests, runId, { now: () => new Date(), by: ownName() }))) {
      const kind = (await requests.newest(runId))?.end?.kind;
      throw new PrescoreError('USAGE', {
        what: `the run has ended already: ${kind}`,
        where,
        fix: 'Nothing to cancel.',
      });
    }
    if (flags.json === true) process.stdout.write(`${JSON.stringify({ event: 'cancelled', runId })}\n`);
    else process.stdout.write(`${runId}: cancelled\n`);
    return 0;
  });
}

/** `prescore runs retry`: asks workers again; what is recorded is not scored again. */
export async function runsRetry(
  job: string | undefined,
  run: string | undefined,
  flags: ControlFlags,
): Promise<number> {
  return withNamedRun(job, run, flags, async (records, runId) => {
    const requests = new RunRequests(records);
    if ((await readRun(records, runId)) === null) throw notFound(`${records.uri}/runs/${runId}`);
    const { origin } = await askAgain(requests, runId, { now: () => new Date(), by: ownName() });
    const isTold = flags.redis !== undefined || (process.env['PRESCORE_REDIS_URL'] ?? '') !== '';
    if (isTold) await tellQueue(flags, { state: records.uri, run: runId, origin });
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ event: 'queued', runId, partition: null, joined: false })}\n`);
    else process.stdout.write(`${runId}: queued${isTold ? '' : '; workers find it within seconds'}\n`);
    return 0;
  });
}

// Only for speed: the request is written, and a worker finds it.
async function tellQueue(
  flags: QueueFlags,
  {
    state,
    run,
    origin,
  }: { readonly state: string; readonly run: string; readonly origin: 'command' | 'schedule' | 'backfill' },
): Promise<void> {
  const redis = await openQueueRedis(flags, (text) => process.stderr.write(`warning: ${text}\n`));
  try {
    await (await TaskQueues.open(redis)).add(origin, [{ state, run, kind: 'plan', n: 0 }]);
  } finally {
    await redis.close();
  }
}

async function timeline(records: RecordStore, runId: string): Promise<LogEntry[]> {
  const run = await readRun(records, runId);
  if (run === null) throw notFound(`${records.uri}/runs/${runId}`);
  const entries: LogEntry[] = [];
  const add = (at: string, what: string, text: string): void => void entries.push({ at, what, text });
  const requests = new RunRequests(records);
  for (let k = 1; k <= (run.request?.k ?? 0); k++) {
    const request = await requests.request(runId, k);
    const end = await requests.end(runId, k);
    if (request !== null) add(request.requestedAt, 'asked', `by ${request.by} (${request.origin})`);
    if (end !== null) add(end.endedAt, end.kind, end.kind === 'failed' ? end.error.message : `by ${end.by}`);
  }
  const { plan } = run;
  if (plan !== null)
    add(plan.createdAt, 'planned', `${sayMany(plan.files.length, 'file')}, ${sayMany(plan.chunks.length, 'chunk')}`);
  for (const record of run.records) {
    if (record === null) continue;
    const { n, rowsScored, rowsRejected, worker, timings, attempt, takenFrom } = record;
    if (takenFrom !== undefined) {
      add(plan?.createdAt ?? record.finishedAt, 'chunk', `chunk ${n}: taken over from ${takenFrom}`);
      continue;
    }
    const rejected = rowsRejected > 0 ? `, ${sayCount(rowsRejected)} rejected` : '';
    const tries = attempt > 1 ? `, attempt ${attempt}` : '';
    const text = `chunk ${n}: ${sayMany(rowsScored, 'row')}${rejected} in ${sayDuration(timings.totalMs / 1000)} on ${worker}${tries}`;
    add(record.finishedAt, 'chunk', text);
  }
  for (const failure of await requests.failures(runId)) add(failure.at, 'failure', sayFailure(failure));
  if (run.committedAt !== null) add(run.committedAt, 'committed', plan?.outputUri ?? '');
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function sayFailure({ kind, n, i, error, worker }: TaskFailure): string {
  return `${kind}${kind === 'chunk' ? ` ${n}` : ''}, try ${i} on ${worker}: ${error.message}`;
}

function notFound(where: string): PrescoreError {
  return new PrescoreError('RUN_NOT_FOUND', { what: 'there is no such run', where });
}
