import type { WrittenJob } from '../../base/contract/job.ts';
import type { PublishedEvent, RunDone, RunEvent } from '../../base/contract/run-events.ts';
import { PrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { ProgressLine } from '../../base/telemetry/progress-line.ts';
import type { QueueLauncher } from '../../fleet/queue/queue-launcher.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { slotsOf, worstExit } from '../../run/pipeline/run-job.ts';
import { loadJob } from '../load/load-job.ts';
import { printEvent } from '../output/print-json.ts';
import { printSummary } from '../output/print-summary.ts';
import { reportError } from '../output/report-error.ts';
import { sayPublished } from '../output/say-published.ts';
import { warnOnce } from '../output/warn-once.ts';
import { hearSignals } from '../processes/hear-signals.ts';
import { openQueueRedis, type QueueFlags } from '../wiring/open-queue.ts';
import { openQueueLauncher } from '../wiring/open-queue-launcher.ts';
import type { RunFlags } from './run-command.ts';

export interface EnqueueFlags extends RunFlags, QueueFlags {
  readonly wait?: boolean;
  readonly window?: number;
}

/** What became of the runs of one command. */
interface Results {
  readonly done: RunDone[];
  readonly failures: PrescoreError[];
  published: PublishedEvent | null;
}

/** `prescore enqueue`, and `run --redis`, which waits. Returns the exit code. */
export async function enqueueCommand(path: string, flags: EnqueueFlags): Promise<number> {
  if (flags.newRun === true && flags.ifChanged === true) {
    throw new PrescoreError('USAGE', { what: '--new-run and --if-changed exclude each other' });
  }
  if (flags.sample !== undefined) throw new PrescoreError('USAGE', { what: '--sample scores here, without --redis' });
  const job = loadJob(path);
  const slots = slotsOf(job, flags.partition ?? null, flags.asOf ?? null);
  const isJson = flags.json === true;
  const progress = isJson || flags.wait !== true ? null : new ProgressLine(process.stderr);
  const warn = warnOnce(() => progress?.clear());
  // First: a queue that is out of reach is said before anything is written.
  const redis = await openQueueRedis(flags, warn);
  const results: Results = { done: [], failures: [], published: null };
  const emit = (event: RunEvent): void => {
    if (event.event === 'done') results.done.push(event);
    if (isJson && !(event.event === 'done' && job.predictions !== null)) printEvent(event);
    else progress?.take(event);
  };
  const stop = new AbortController();
  const interrupted = onInterrupt(stop);
  let launcher: QueueLauncher | null = null;
  try {
    launcher = await openQueueLauncher(redis, {
      allowUnpinned: flags.allowUnpinned === true,
      isForced: flags.force === true,
      asOf: flags.asOf ?? null,
      ...(flags.window === undefined ? {} : { window: flags.window }),
      warn,
      emit,
    });
    if (flags.wait !== true) return await askOnly(job, slots, flags, launcher, results, emit);
    if ((await redis.workers()).length === 0) warn('no worker is there now; the run waits until one comes');
    await waitForAll(job, slots, flags, launcher, results, stop.signal);
    progress?.clear();
    return report(job, results, isJson, interrupted());
  } finally {
    progress?.clear();
    await launcher?.close();
    await redis.close();
  }
}

function requestOf(job: WrittenJob, slot: Slot, flags: EnqueueFlags): Parameters<QueueLauncher['launch']>[0] {
  const { partition, logicalTime } = slot;
  const [isNewRun, isIfChanged] = [flags.newRun === true, flags.ifChanged === true];
  return { job, partition, logicalTime, origin: 'command', isNewRun, isIfChanged };
}

async function askOnly(
  job: WrittenJob,
  slots: readonly Slot[],
  flags: EnqueueFlags,
  launcher: QueueLauncher,
  { done, failures }: Results,
  emit: (event: RunEvent) => void,
): Promise<number> {
  const isJson = flags.json === true;
  const asked: string[] = [];
  for (const slot of slots) {
    try {
      const outcome = await launcher.ask(requestOf(job, slot, flags));
      if (outcome.kind === 'asked') {
        asked.push(outcome.runId);
        emit({ event: 'queued', runId: outcome.runId, partition: slot.partition, joined: outcome.isJoined });
      } else emit(outcome.done);
      // The id alone on standard output, for scripts; what else is to be said goes to the other one.
      const { runId } = outcome.kind === 'asked' ? outcome : outcome.done;
      if (!isJson) process.stdout.write(`${runId}\n`);
      if (outcome.kind === 'done' && !isJson) process.stderr.write(`${runId}: already done\n`);
    } catch (error) {
      const known = toPrescoreError(error);
      failures.push(known);
      emit({ event: 'failed', runId: null, partition: slot.partition, error: toErrorJson(known) });
      reportError(known, { isDebug: process.argv.includes('--debug'), isJson: false });
    }
  }
  if (job.predictions !== null && asked.length + done.length > 0) {
    await launcher.askToPublish(job, asked, done.length > 0, onlyPartition(slots), 'command');
  }
  if (isJson && job.predictions !== null) for (const event of done) printEvent(event);
  return worstExit(
    failures.map((f) => f.exitCode),
    [],
  );
}

async function waitForAll(
  job: WrittenJob,
  slots: readonly Slot[],
  flags: EnqueueFlags,
  launcher: QueueLauncher,
  results: Results,
  stop: AbortSignal,
): Promise<void> {
  await Promise.all(
    slots.map(async (slot) => {
      const outcome = await launcher.launch(requestOf(job, slot, flags), stop);
      if (outcome.kind === 'failed') results.failures.push(outcome.error);
    }),
  );
  if (job.predictions === null || results.done.length === 0 || stop.aborted) return;
  try {
    const id = await launcher.askToPublish(job, [], true, onlyPartition(slots), 'command');
    results.published = await launcher.awaitPublished(job, id, stop);
  } catch (error) {
    results.failures.push(toPrescoreError(error));
  }
}

function report(
  job: WrittenJob,
  { done, failures, published }: Results,
  isJson: boolean,
  interrupted: number | null,
): number {
  if (!isJson) printSummary(job, done);
  else if (job.predictions !== null) for (const event of done) printEvent(event);
  if (published !== null && !isJson) process.stdout.write(`${sayPublished(published)}\n`);
  for (const failure of failures) reportError(failure, { isDebug: process.argv.includes('--debug'), isJson: false });
  if (interrupted !== null && failures.length > 0) return interrupted;
  return worstExit(
    failures.map((f) => f.exitCode),
    done,
  );
}

function onlyPartition(slots: readonly Slot[]): string | null {
  return slots.length === 1 ? slots[0]!.partition : null;
}

/** Ends the waiting, not the run; a second signal ends the process at once. */
function onInterrupt(stop: AbortController): () => number | null {
  let code: number | null = null;
  hearSignals((signal) => {
    const own = signal === 'SIGTERM' ? 143 : 130;
    if (code !== null) process.exit(own);
    code = own;
    stop.abort();
  });
  return () => code;
}
