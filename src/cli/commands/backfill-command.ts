import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { RunEvent } from '../../base/contract/run-events.ts';
import { ERROR_CODES } from '../../base/errors/error-codes.ts';
import { isPrescoreError, type PrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import { BackfillLog } from '../../fleet/backfill/backfill-log.ts';
import { isAsked, type Reprocess, stateOfChar } from '../../fleet/backfill/backfill-record.ts';
import { checkDefinition, describeBackfill } from '../../fleet/backfill/create-backfill.ts';
import { type DriveEnd, driveBackfill, type PartitionOutcome } from '../../fleet/backfill/drive-backfill.ts';
import { selectPartitions } from '../../fleet/backfill/select-partitions.ts';
import type { HeldLease } from '../../run/ledger/lease.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { worstExit } from '../../run/pipeline/run-job.ts';
import { printJson } from '../output/print-json.ts';
import { reportError } from '../output/report-error.ts';
import { sayPublished } from '../output/say-published.ts';
import { warnOnce } from '../output/warn-once.ts';
import { StopSignals } from '../processes/stop-signals.ts';
import { openLauncher } from '../wiring/open-launcher.ts';
import { readVersions } from '../wiring/versions.ts';
import { withJob } from '../wiring/with-job.ts';
import { openBackfill, printBackfill, printPlanned, refuseCancelled, statusJson } from './backfill-show.ts';

/** A driver that was told to stop needs as long as its chunks in work. */
const LEASE_PATIENCE_MS = 30_000;
const INTERRUPTED_EXIT = 130;

export interface DriveFlags {
  readonly redis?: string;
  readonly detach?: boolean;
  readonly allowUnpinned?: boolean;
  readonly json?: boolean;
}

export interface CreateFlags extends DriveFlags {
  readonly from?: string;
  readonly to?: string;
  readonly partitions?: readonly string[];
  readonly reprocess: Reprocess;
  readonly maxActive: number;
  readonly order: 'asc' | 'desc';
  readonly stopOnFailure?: boolean;
  readonly dryRun?: boolean;
}

/** `prescore backfill create`: notes what is to be scored, then drives it. Returns the exit code. */
export async function backfillCreate(path: string, flags: CreateFlags): Promise<number> {
  return withJob(path, async (job, stores) => {
    const now = new Date();
    const { from = null, to = null, partitions = null } = flags;
    const selected = selectPartitions(job, { from, to, partitions }, now.getTime());
    if (selected.notEnded > 0)
      warn(
        `${sayMany(selected.notEnded, 'partition of the range has', 'partitions of the range have')} not ended yet: left out`,
      );
    const { reprocess, maxActive, order } = flags;
    const options = { reprocess, maxActive, order, stopOnFailure: flags.stopOnFailure === true };
    const record = await describeBackfill(job, selected.partitions, options, stores, readVersions(), now);
    const asked = record.partitions.filter((_, i) => isAsked(stateOfChar(record.found[i]), reprocess));
    const isNothing = flags.dryRun === true || asked.length === 0;
    printPlanned(record, asked, { isJson: flags.json === true, isDryRun: flags.dryRun === true });
    if (isNothing) return 0;
    const log = await BackfillLog.create(new RecordStore(stores, job.state), record);
    return driveOrLeave(path, job, log, stores, flags);
  });
}

/** `prescore backfill resume`: drives what is left. Returns the exit code. */
export async function backfillResume(path: string, id: string | undefined, flags: DriveFlags): Promise<number> {
  return withJob(path, async (job, stores) => {
    const log = await openBackfill(job, id, stores);
    refuseCancelled(log);
    checkDefinition(log.state.record, job, readVersions());
    const isHeldBack = log.state.control !== 'active';
    if (isHeldBack) await log.append({ control: 'resume' });
    return driveOrLeave(path, job, log, stores, flags, isHeldBack ? LEASE_PATIENCE_MS : 0);
  });
}

/** `prescore backfill retry --only failed`: puts what failed back and drives it. Returns the exit code. */
export async function backfillRetry(path: string, id: string | undefined, flags: DriveFlags): Promise<number> {
  return withJob(path, async (job, stores) => {
    const log = await openBackfill(job, id, stores);
    refuseCancelled(log);
    checkDefinition(log.state.record, job, readVersions());
    if (log.state.failures.size === 0) {
      process.stderr.write(`nothing of backfill ${log.id} failed\n`);
      return 0;
    }
    await log.append({ control: 'resume', retry: 'failed' });
    if (await log.isLive()) {
      process.stderr.write(`backfill ${log.id} is driven by another process, which goes on with them\n`);
      return 0;
    }
    return driveOrLeave(path, job, log, stores, flags);
  });
}

async function driveOrLeave(
  path: string,
  job: WrittenJob,
  log: BackfillLog,
  stores: StoreResolver,
  flags: DriveFlags,
  patienceMs = 0,
): Promise<number> {
  if (flags.detach !== true) return drive(path, job, log, stores, flags, patienceMs);
  if (flags.json === true) printJson({ event: 'backfill-ended', ...(await statusJson(log, job)), isDetached: true });
  else process.stdout.write(`Drive it with: prescore backfill resume ${path} ${log.id}\n`);
  return 0;
}

async function drive(
  path: string,
  job: WrittenJob,
  log: BackfillLog,
  stores: StoreResolver,
  flags: DriveFlags,
  patienceMs: number,
): Promise<number> {
  const lease = await takeLease(log, patienceMs);
  const isJson = flags.json === true;
  const started = performance.now();
  const emit = (event: RunEvent): void => {
    if (isJson && event.event !== 'progress' && event.event !== 'publishing') printJson(event);
    else if (event.event === 'published') process.stdout.write(`${sayPublished(event)}\n`);
  };
  // How many go at a time is for the driver to say (--max-active).
  const own = { allowUnpinned: flags.allowUnpinned === true, emit, warn, atOnce: Number.POSITIVE_INFINITY };
  const launcher = await openLauncher(flags, own);
  const signals = new StopSignals(say, () => launcher.kill());
  let failure: PrescoreError | null = null;
  let end: DriveEnd = 'interrupted';
  try {
    const stop = AbortSignal.any([signals.stop, lease.lost]);
    // Somebody may have driven it between the look and the lease.
    await log.refresh();
    end = await driveBackfill(log, job, {
      launcher: launcher.use,
      stores,
      stop,
      onOutcome: outcomeTeller(log, isJson),
    });
  } catch (error) {
    failure = toPrescoreError(error);
  } finally {
    signals.close();
    await launcher.close();
    await lease.release();
  }
  if (lease.lost.aborted) failure ??= toPrescoreError(lease.lost.reason);
  const seconds = (performance.now() - started) / 1000;
  if (isJson) {
    const error = failure === null ? {} : { error: toErrorJson(failure) };
    printJson({ event: 'backfill-ended', ...(await statusJson(log, job)), end, seconds, ...error });
  } else {
    await printBackfill(log, job);
    if (end !== 'ended' && end !== 'cancelled') say(`Go on with: prescore backfill resume ${path} ${log.id}`);
    else if (log.state.failures.size > 0)
      say(`Score what failed again with: prescore backfill retry ${path} ${log.id} --only failed`);
  }
  if (failure !== null) reportError(failure, { isDebug: process.argv.includes('--debug'), isJson: false });
  if (signals.exitCode !== null && end === 'interrupted') return signals.exitCode;
  return exitOf(log, end, failure);
}

// As of `run`, over all partitions of the backfill; what was paused or cancelled from elsewhere is unfinished.
function exitOf(log: BackfillLog, end: DriveEnd, failure: PrescoreError | null): number {
  const table: Readonly<Record<string, { readonly exit: number }>> = ERROR_CODES;
  const codes = [...log.state.failures.values()].map(({ code }) => table[code]?.exit ?? 70);
  if (log.state.rejected.size > 0) codes.push(3);
  if (failure !== null) codes.push(failure.exitCode);
  else if (end === 'paused' || end === 'cancelled' || end === 'interrupted') codes.push(INTERRUPTED_EXIT);
  return worstExit(codes, []);
}

async function takeLease(log: BackfillLog, patienceMs: number): Promise<HeldLease> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await log.take();
    } catch (error) {
      if (!isPrescoreError(error) || error.code !== 'RUN_OWNED' || performance.now() >= untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function outcomeTeller(log: BackfillLog, isJson: boolean): (outcome: PartitionOutcome) => void {
  const of = log.state.open().length;
  let finished = 0;
  return ({ error, ...outcome }) => {
    finished++;
    if (isJson) {
      const failure = error === null ? {} : { error: toErrorJson(error) };
      printJson({ event: 'partition', ...outcome, ...failure, finished, of });
      return;
    }
    const { partition, state, rows, alreadyDone, seconds } = outcome;
    const what =
      error !== null
        ? error.message
        : `${sayMany(rows, 'row')}, ${alreadyDone ? 'already done' : sayDuration(seconds)}`;
    say(`(${finished}/${of}) ${partition} ${state}: ${what}`);
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const warn = warnOnce();
