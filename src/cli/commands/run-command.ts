import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { PublishedEvent, RunDone, RunEvent } from '../../base/contract/run-events.ts';
import { PrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { ProgressLine } from '../../base/telemetry/progress-line.ts';
import { doneMessage, failedMessage } from '../../fleet/notify/messages.ts';
import { Notifier } from '../../fleet/notify/notifier.ts';
import { runByModel } from '../../run/pipeline/run-by-model.ts';
import type { LoadedScorers, RunOptions, ShardOption } from '../../run/pipeline/run-deps.ts';
import { type SlotOutcome, worstExit } from '../../run/pipeline/run-job.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import { loadJob } from '../load/load-job.ts';
import { printEvent } from '../output/print-json.ts';
import { printSummary } from '../output/print-summary.ts';
import { reportError } from '../output/report-error.ts';
import { sayPublished } from '../output/say-published.ts';
import { warnOnce } from '../output/warn-once.ts';
import { ModelScorers } from '../processes/model-scorers.ts';
import { sparePublisher } from '../processes/publisher.ts';
import { StopSignals } from '../processes/stop-signals.ts';
import { createStoreResolver } from '../wiring/open-store.ts';
import { publishAndTell } from '../wiring/publish-and-tell.ts';
import { readVersions } from '../wiring/versions.ts';

export interface RunFlags {
  readonly partition?: string;
  readonly asOf?: string;
  readonly newRun?: boolean;
  readonly ifChanged?: boolean;
  readonly force?: boolean;
  readonly shard?: { readonly index: number; readonly count: number };
  readonly runId?: string;
  /** Of `rejects replay`: the run. */
  readonly replayOf?: string;
  readonly sample?: number;
  readonly allowUnpinned?: boolean;
  readonly json?: boolean;
}

/** `prescore run`: wires the adapters, runs the job's slots and reports. Returns the exit code. */
export async function runCommand(path: string, flags: RunFlags): Promise<number> {
  if (flags.newRun === true && flags.ifChanged === true) {
    throw new PrescoreError('USAGE', { what: '--new-run and --if-changed exclude each other' });
  }
  const shard = shardOption(flags);
  const job = loadJob(path);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const warn = warnOnce();
  const scorers = new ModelScorers(stores, flags.allowUnpinned === true, warn);
  const progress = flags.json === true ? null : new ProgressLine(process.stderr);
  const signals = new StopSignals(
    (text) => progress?.say(text),
    () => scorers.kill(),
  );
  const failures: PrescoreError[] = [];
  const done: RunDone[] = [];
  const emit = (event: RunEvent): void => {
    if (event.event === 'done') done.push(event);
    if (event.event === 'committing' && job.predictions !== null) sparePublisher.start();
    // With a set to publish, "done" stays the last thing that is said.
    if (flags.json === true && !(event.event === 'done' && job.predictions !== null)) printEvent(event);
    else progress?.take(event);
  };
  const notifier = new Notifier({ env: process.env, warn });
  let published: PublishedEvent | null = null;
  const scorersOf = (settled: Job): Promise<LoadedScorers> => scorers.load(settled);
  const deps = {
    stores,
    versions: readVersions(),
    emit,
    warn,
    stop: signals.stop,
    now: () => new Date(),
    keepsCertificates: true,
  };
  const options: RunOptions = {
    isNewRun: flags.newRun === true,
    isIfChanged: flags.ifChanged === true,
    isForced: flags.force === true,
    allowUnpinned: flags.allowUnpinned === true,
    asOf: flags.asOf ?? null,
    ...(shard === null ? {} : { shard }),
    ...(flags.replayOf === undefined ? {} : { replayOf: flags.replayOf }),
  };
  try {
    if (flags.sample !== undefined) {
      const { sampleJob } = await import('./sample-command.ts');
      const settled = await settleJob(job, stores);
      const own = { ...deps, scorers: () => scorers.load(settled) };
      return await sampleJob(settled, flags.partition ?? null, flags.sample, options, own, flags.json === true);
    }
    for await (const outcome of runByModel(job, flags.partition ?? null, options, { ...deps, scorersOf })) {
      if (outcome.kind === 'failed') {
        failures.push(outcome.error);
        emit({ event: 'failed', runId: null, partition: outcome.partition, error: toErrorJson(outcome.error) });
      }
      notify(notifier, job, outcome, flags.asOf ?? null);
    }
    if (job.predictions !== null && done.some((d) => d.committed) && !signals.stop.aborted) {
      const partition = done.length === 1 ? done[0]!.partition : null;
      const how = { isForced: flags.force === true, isRebuild: false, partition, stop: signals.stop };
      published = await publishAndTell(job, stores, emit, how).catch((error: unknown) => {
        const failure = toPrescoreError(error);
        failures.push(failure);
        notify(notifier, job, { kind: 'failed', partition, error: failure }, flags.asOf ?? null);
        return null;
      });
    }
    progress?.clear();
    if (flags.json !== true) printSummary(job, done, scorers.allowed);
    else if (job.predictions !== null) for (const event of done) printEvent(event);
    if (published !== null && flags.json !== true) process.stdout.write(`${sayPublished(published)}\n`);
    // Events tell it to programs; the line on stderr is for whoever reads the log.
    for (const failure of failures) reportError(failure, { isDebug: process.argv.includes('--debug'), isJson: false });
    const interrupted = signals.exitCode;
    if (interrupted !== null && failures.length > 0) {
      if (flags.json !== true)
        process.stderr.write('Interrupted. Start the same command again to resume; finished chunks are kept.\n');
      return interrupted;
    }
    return worstExit(
      failures.map((f) => f.exitCode),
      done,
    );
  } finally {
    progress?.clear();
    await notifier.close();
    signals.close();
    sparePublisher.end();
    await scorers.close();
    await stores.close();
  }
}

// Shards must mean the same run wherever and whenever they start.
function shardOption({ shard, runId, asOf, partition, ...flags }: RunFlags): ShardOption | null {
  const usage = (what: string): PrescoreError => new PrescoreError('USAGE', { what });
  if (shard === undefined) {
    if (runId !== undefined) throw usage('--run-id goes with --shard only');
    return null;
  }
  if ((asOf === undefined) === (runId === undefined))
    throw usage('--shard needs --as-of or --run-id, one of the two, so that all shards mean the same run');
  if (runId !== undefined && partition !== undefined) throw usage('--run-id names the partition already');
  if (flags.newRun === true || flags.ifChanged === true || flags.sample !== undefined)
    throw usage(
      '--shard goes with neither --new-run, --if-changed nor --sample; --run-id with the next attempt scores again',
    );
  return { ...shard, runId: runId ?? null };
}

// Only what is news: not that a slot was done before, that another process has it, or that somebody pressed Ctrl-C.
function notify(notifier: Notifier, job: WrittenJob, outcome: SlotOutcome, slot: string | null): void {
  if (outcome.kind === 'done') {
    if (!outcome.done.alreadyDone && outcome.done.committed)
      notifier.tell(job, doneMessage(job.name, outcome.done, new Date()));
    return;
  }
  const { partition, error } = outcome;
  if (error.code === 'INTERRUPTED' || error.code === 'RUN_OWNED') return;
  notifier.tell(job, failedMessage(job.name, { partition, slot }, error, new Date()));
}
