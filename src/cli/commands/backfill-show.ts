import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayCount, sayMany } from '../../base/telemetry/progress-line.ts';
import { BackfillLog, listBackfills } from '../../fleet/backfill/backfill-log.ts';
import {
  type BackfillRecord,
  isAsked,
  type PartitionState,
  stateOfChar,
} from '../../fleet/backfill/backfill-record.ts';
import { countStates } from '../../fleet/backfill/backfill-state.ts';
import { definitionOf } from '../../fleet/backfill/create-backfill.ts';
import { partitionMap } from '../../fleet/backfill/partition-map.ts';
import { surveyPartitions } from '../../fleet/backfill/survey-partitions.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { printTable } from '../output/print-table.ts';
import { readVersions } from '../wiring/versions.ts';
import { withJob } from '../wiring/with-job.ts';

const MOST_LINES = 40;

interface ShowFlags {
  readonly json?: boolean;
  readonly check?: boolean;
}

/** `prescore backfill list`: newest first. Returns the exit code. */
export async function backfillList(path: string, flags: ShowFlags): Promise<number> {
  return withJob(path, async (job, stores) => {
    const records = new RecordStore(stores, job.state);
    const rows: string[][] = [];
    for (const id of (await listBackfills(records)).reverse()) {
      const log = await BackfillLog.open(records, id);
      const status = await statusJson(log, job);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(status)}\n`);
      else {
        const { counts, state, partitions, createdAt } = status;
        const figures = [partitions, counts.done, counts.failed, counts.stale, counts.missing + counts.running];
        rows.push([id, state, ...figures.map(sayCount), createdAt]);
      }
    }
    const header = ['backfill', 'state', 'partitions', 'done', 'failed', 'stale', 'open', 'created'];
    if (flags.json === true) return 0;
    if (rows.length === 0) process.stdout.write(`There is no backfill of ${job.name}.\n`);
    else printTable(header, rows, process.stdout, [2, 3, 4, 5, 6]);
    return 0;
  });
}

/** `prescore backfill show`: the map, then what failed. Returns the exit code. */
export async function backfillShow(path: string, id: string | undefined, flags: ShowFlags): Promise<number> {
  return withJob(path, async (job, stores) => {
    const log = await openBackfill(job, id, stores);
    const states = flags.check === true ? await checkedStates(log, job, stores) : null;
    if (flags.json !== true) await printBackfill(log, job, states);
    else {
      const shown = states ?? log.state.states(await log.isLive(), definitionOf(job, readVersions()).result);
      const partitions = log.state.record.partitions.map((partition, i) => ({
        partition,
        state: shown[i],
        rows: log.state.rowsOf(i),
        rejected: log.state.rejected.get(i) ?? 0,
        ...(log.state.failures.has(i) ? { error: log.state.failures.get(i) } : {}),
      }));
      process.stdout.write(`${JSON.stringify({ ...(await statusJson(log, job, shown)), map: partitions })}\n`);
    }
    return 0;
  });
}

/** `prescore backfill pause` and `cancel`: noted at once; a driver follows within seconds. Returns the exit code. */
export async function backfillSteer(
  path: string,
  id: string | undefined,
  control: 'pause' | 'cancel',
  flags: ShowFlags,
): Promise<number> {
  return withJob(path, async (job, stores) => {
    const log = await openBackfill(job, id, stores);
    const { state } = log;
    const isOver = state.control === 'cancelled' || (state.isEnded && control === 'pause');
    if (!isOver) await log.append({ control });
    const status = await statusJson(log, job);
    if (flags.json === true) process.stdout.write(`${JSON.stringify(status)}\n`);
    else process.stdout.write(`backfill ${log.id} is ${status.state}\n`);
    return 0;
  });
}

/** A backfill of a job by id, or its newest. Errors: BACKFILL_NOT_FOUND. */
export async function openBackfill(
  job: WrittenJob,
  id: string | undefined,
  stores: StoreResolver,
): Promise<BackfillLog> {
  const records = new RecordStore(stores, job.state);
  const found = id ?? (await listBackfills(records)).at(-1);
  if (found !== undefined) return BackfillLog.open(records, found);
  throw new PrescoreError('BACKFILL_NOT_FOUND', {
    what: 'this job has no backfill',
    where: `${records.uri}/backfills`,
    fix: 'Make one with: prescore backfill create JOB --from … --to …',
  });
}

/** Errors: BACKFILL_CANCELLED. */
export function refuseCancelled(log: BackfillLog): void {
  if (log.state.control !== 'cancelled') return;
  throw new PrescoreError('BACKFILL_CANCELLED', {
    what: `backfill ${log.id} was cancelled`,
    where: log.state.updatedAt,
  });
}

/** A backfill at a glance, for --json. */
export async function statusJson(log: BackfillLog, job: WrittenJob, checked: readonly PartitionState[] | null = null) {
  const { state } = log;
  const { record } = state;
  const isLive = await log.isLive();
  const states = checked ?? state.states(isLive, definitionOf(job, readVersions()).result);
  const { id, createdAt, reprocess, maxActive, order, stopOnFailure } = record;
  return {
    id,
    job: record.job,
    state: state.status(isLive),
    partitions: record.partitions.length,
    open: state.open().length,
    counts: countStates(states),
    rows: record.partitions.reduce((sum, _, i) => sum + state.rowsOf(i), 0),
    rejected: [...state.rejected.values()].reduce((sum, rows) => sum + rows, 0),
    createdAt,
    updatedAt: state.updatedAt,
    reprocess,
    maxActive,
    order,
    stopOnFailure,
  };
}

/** The map, the counts and a table: every partition of a small backfill, else those that need a look. */
export async function printBackfill(
  log: BackfillLog,
  job: WrittenJob,
  checked: readonly PartitionState[] | null = null,
): Promise<void> {
  const out = process.stdout;
  const { state } = log;
  const { record } = state;
  const status = await statusJson(log, job, checked);
  const states = checked ?? state.states(status.state === 'running', definitionOf(job, readVersions()).result);
  out.write(`\nbackfill ${log.id} of ${record.job}: ${status.state}\n\n`);
  out.write(partitionMap(record.partitions, states, isColoured()));
  out.write(`\n${sayCounts(states)}; ${sayMany(status.rows, 'row')}, ${sayCount(status.rejected)} rejected\n`);
  const all = record.partitions.map((_, i) => i);
  const telling = all.length <= MOST_LINES ? all : all.filter((i) => ['failed', 'running'].includes(states[i]!));
  if (telling.length === 0) return;
  const rows = telling
    .slice(0, MOST_LINES)
    .map((i) => [
      record.partitions[i]!,
      states[i]!,
      state.rowsOf(i) > 0 ? sayCount(state.rowsOf(i)) : '',
      state.rejected.has(i) ? sayCount(state.rejected.get(i)!) : '',
      state.failures.get(i)?.message ?? '',
    ]);
  out.write('\n');
  printTable(['partition', 'state', 'rows', 'rejected', 'why'], rows, out, [2, 3]);
  if (telling.length > MOST_LINES) out.write(`and ${sayCount(telling.length - MOST_LINES)} more; --json has all\n`);
}

/** What `create` is about to do, or with --dry-run would do. */
export function printPlanned(
  record: BackfillRecord,
  asked: readonly string[],
  { isJson, isDryRun }: { readonly isJson: boolean; readonly isDryRun: boolean },
): void {
  const { id, job, partitions, found, reprocess, maxActive, order } = record;
  const launched = order === 'asc' ? asked : [...asked].reverse();
  const states = partitions.map((_, i) => stateOfChar(found[i]));
  if (isJson) {
    const counts = countStates(states);
    const event = { event: 'backfill', id: isDryRun ? null : id, job, isDryRun, partitions: partitions.length, counts };
    process.stdout.write(`${JSON.stringify({ ...event, reprocess, maxActive, order, asked: launched })}\n`);
    return;
  }
  const out = process.stdout;
  out.write(`${partitionMap(partitions, states, isColoured())}\n${sayCounts(states)}\n`);
  const left = states.filter((state) => !isAsked(state, reprocess)).length;
  const range = launched.length > 1 ? `${launched[0]} to ${launched.at(-1)}` : (launched[0] ?? '');
  if (asked.length === 0) out.write(`nothing to score with --reprocess ${reprocess}\n`);
  else if (isDryRun)
    out.write(
      `would score ${sayMany(asked.length, 'partition')} (${range}), ${maxActive} at a time; ${sayMany(left, 'other stays as it is', 'others stay as they are')}\n`,
    );
  else out.write(`backfill ${id}: ${sayMany(asked.length, 'partition')} (${range}), ${maxActive} at a time\n`);
}

// What is there now: manifests and inputs, with failures and runs in work as the log tells them.
async function checkedStates(log: BackfillLog, job: WrittenJob, stores: StoreResolver): Promise<PartitionState[]> {
  const noted = log.state.states(await log.isLive(), definitionOf(job, readVersions()).result);
  const surveyed = await surveyPartitions(await settleJob(job, stores), log.state.record.partitions, stores, true);
  return surveyed.map(({ state }, i) => {
    const own = noted[i]!;
    return own === 'running' || (own === 'failed' && state === 'missing') ? own : state;
  });
}

function sayCounts(states: readonly PartitionState[]): string {
  const counts = Object.entries(countStates(states)).filter(([, count]) => count > 0);
  return `${sayMany(states.length, 'partition')}: ${counts.map(([state, n]) => `${sayCount(n)} ${state}`).join(', ')}`;
}

function isColoured(): boolean {
  return process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
}
