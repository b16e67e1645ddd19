import { setTimeout as sleep } from 'node:timers/promises';
import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { LaunchOutcome, RunLauncher } from '../../base/contract/run-launcher.ts';
import { needsNewRun } from '../../base/errors/needs-new-run.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { findPartition } from '../../job/slots/partitions.ts';
import type { BackfillLog } from './backfill-log.ts';
import type { DoneEntry, FailedEntry } from './backfill-record.ts';
import { isCommittedBy } from './survey-partitions.ts';

/** How often outcomes are written down and what others asked for is looked up. */
const LOOK_EVERY_MS = 1000;
/** A partition that is scored elsewhere is tried again, for longer than the lease of a dead owner lasts. */
const OWNED = { tries: 16, everyMs: 5000 } as const;
/** Faults that every other partition would have as well. */
const JOB_WIDE =
  /^(MODEL_(NOT_FOUND|UNPINNED|INVALID|CHECKSUM|OPSET|CUSTOM_OP|EXTERNAL_DATA)|MEMORY_TOO_SMALL|PROVIDER_UNAVAILABLE|INTERNAL)$/;

/** What became of one partition, as it is told to people and programs. */
export interface PartitionOutcome {
  readonly partition: string;
  readonly state: 'done' | 'failed';
  readonly rows: number;
  readonly rejected: number;
  readonly alreadyDone: boolean;
  readonly seconds: number;
  readonly error: PrescoreError | null;
}

export interface DriveDeps {
  readonly launcher: RunLauncher;
  readonly stores: StoreResolver;
  readonly onOutcome: (outcome: PartitionOutcome) => void;
  readonly stop: AbortSignal;
}

/** `ended`: all is tried, and published. The others leave partitions for a later `resume`. */
export type DriveEnd = 'ended' | 'paused' | 'stopped' | 'cancelled' | 'interrupted';

/**
 * Launches the open partitions of a backfill until none is left, at most `maxActive` at a time, and publishes once after the
 * last. Follows what others write into the log: pause and cancel interrupt the runs in work (their finished chunks are kept),
 * retry and resume put work back. For the holder of the backfill's lease.
 *
 * Errors: the first fault that concerns the whole job or its stores; that of publishing. Repeat: safe, a partition that is
 * committed is never scored again.
 */
export async function driveBackfill(log: BackfillLog, job: WrittenJob, deps: DriveDeps): Promise<DriveEnd> {
  const drive = new Drive(log, job, deps);
  try {
    for (;;) {
      const end = await drive.untilQuiet();
      if (end !== 'ended') return end;
      // Somebody may have put work back while it was published.
      if (log.state.isEnded || (await drive.finish())) return 'ended';
    }
  } catch (error) {
    await drive.abandon();
    throw error;
  }
}

class Drive {
  private readonly log: BackfillLog;
  private readonly job: WrittenJob;
  private readonly deps: DriveDeps;
  private readonly active = new Map<number, Promise<void>>();
  private readonly owned = new Map<number, { tries: number; notBeforeMs: number }>();
  private queue: number[] = [];
  private halt = new AbortController();
  private broken: PrescoreError | null = null;
  private started: number[] = [];
  private released: number[] = [];
  private done: DoneEntry[] = [];
  private failed: FailedEntry[] = [];
  private isStopAsked = false;

  constructor(log: BackfillLog, job: WrittenJob, deps: DriveDeps) {
    this.log = log;
    this.job = job;
    this.deps = deps;
  }

  /** Works until nothing is open or somebody wants it to stop, and nothing is in work. */
  async untilQuiet(): Promise<DriveEnd> {
    const { log, deps } = this;
    this.halt = new AbortController();
    this.requeue();
    let lookedMs = performance.now();
    for (;;) {
      this.fill();
      const isIdle = this.active.size === 0;
      if (isIdle || performance.now() - lookedMs >= LOOK_EVERY_MS) {
        await this.writeDown();
        if (await log.refresh()) this.requeue();
        lookedMs = performance.now();
        // Workers go on with a run that nobody waits for, unless it is cancelled.
        if (log.state.control === 'cancelled')
          this.halt.abort(new PrescoreError('RUN_CANCELLED', { what: 'the backfill was cancelled', where: log.id }));
        else if (log.state.control === 'paused' || deps.stop.aborted) this.halt.abort();
        if (isIdle && this.active.size === 0) {
          if (this.broken !== null) throw this.broken;
          if (deps.stop.aborted) return 'interrupted';
          if (log.state.control !== 'active') return log.state.control;
          this.requeue();
          if (this.queue.length === 0) return 'ended';
          // Paused and resumed before the last run had ended, or what is left is scored elsewhere.
          if (this.halt.signal.aborted) this.halt = new AbortController();
          this.fill();
        }
      }
      await this.wait(lookedMs);
    }
  }

  /** Publishes and notes the end; false when there is work again. Errors: those of publishing. */
  async finish(): Promise<boolean> {
    const { log, job, deps } = this;
    const isAnyDone = log.state.record.partitions.some((_, i) => log.state.rowsOf(i) > 0);
    if (job.predictions !== null && isAnyDone) await deps.launcher.publish(job, deps.stop);
    await log.refresh();
    if (log.state.open().length > 0 || log.state.control !== 'active') return false;
    await log.append({ ended: true });
    return true;
  }

  /** Lets the runs in work end at their next chunk. */
  async abandon(): Promise<void> {
    this.halt.abort();
    await Promise.all(this.active.values());
  }

  private get isGoing(): boolean {
    const { state } = this.log;
    return state.control === 'active' && !this.isStopAsked && this.broken === null && !this.halt.signal.aborted;
  }

  private requeue(): void {
    this.queue = this.log.state.open().filter((i) => !this.active.has(i) && !this.isNoted(i));
  }

  // What is not written down yet still counts.
  private isNoted(i: number): boolean {
    return this.done.some((d) => d.i === i) || this.failed.some((f) => f.i === i);
  }

  private fill(): void {
    const now = performance.now();
    while (this.isGoing && !this.deps.stop.aborted && this.active.size < this.log.state.record.maxActive) {
      const place = this.queue.findIndex((i) => (this.owned.get(i)?.notBeforeMs ?? 0) <= now);
      if (place === -1) return;
      const [i] = this.queue.splice(place, 1);
      this.started.push(i!);
      this.active.set(
        i!,
        this.runOne(i!).finally(() => this.active.delete(i!)),
      );
    }
  }

  private async wait(lookedMs: number): Promise<void> {
    const timer = new AbortController();
    const due = Math.max(0, LOOK_EVERY_MS - (performance.now() - lookedMs));
    await Promise.race([
      ...this.active.values(),
      sleep(due, undefined, { signal: timer.signal }).catch(() => undefined),
    ]);
    timer.abort();
  }

  private async runOne(i: number): Promise<void> {
    const partition = this.log.state.record.partitions[i]!;
    const began = performance.now();
    const outcome = await this.launch(i, partition).catch(
      (error: unknown): LaunchOutcome => ({ kind: 'failed', error: toPrescoreError(error) }),
    );
    const seconds = (performance.now() - began) / 1000;
    if (outcome.kind === 'done') {
      const { rows, rejected, alreadyDone } = outcome.done;
      this.done.push({ i, rows, rejected });
      this.deps.onOutcome({ partition, state: 'done', rows, rejected, alreadyDone, seconds, error: null });
      return;
    }
    const error =
      outcome.kind === 'failed'
        ? outcome.error
        : new PrescoreError('INPUT_NOT_FOUND', { what: outcome.why, where: partition });
    if (error.code === 'INTERRUPTED' || error.code === 'RUN_CANCELLED' || this.isPutOff(i, error)) {
      this.released.push(i);
      return;
    }
    if (error.exitCode === 6 || JOB_WIDE.test(error.code)) {
      this.broken ??= error;
      this.halt.abort();
      this.released.push(i);
      return;
    }
    this.failed.push({ i, code: error.code, message: error.message });
    if (this.log.state.record.stopOnFailure) this.isStopAsked = true;
    this.deps.onOutcome({ partition, state: 'failed', rows: 0, rejected: 0, alreadyDone: false, seconds, error });
  }

  private async launch(i: number, partition: string): Promise<LaunchOutcome> {
    const { job, log, deps } = this;
    const { launcher, stores } = deps;
    const { reprocess, manifests } = log.state.record;
    const { start } = findPartition(job, partition);
    const signal = AbortSignal.any([deps.stop, this.halt.signal]);
    const base = { job, partition, logicalTime: start, origin: 'backfill' } as const;
    const isAgain = reprocess === 'stale' || reprocess === 'completed';
    const first = await launcher.launch({ ...base, isNewRun: false, isIfChanged: isAgain }, signal);
    const mayBeginAnew = isAgain || reprocess === 'failed' || log.state.retried.has(i);
    // A partition that is scored again may begin anew.
    if (first.kind === 'failed' && mayBeginAnew && needsNewRun(first.error))
      return launcher.launch({ ...base, isNewRun: true, isIfChanged: false }, signal);
    // A run that this backfill has committed before it was killed is not made again; one from before it is.
    if (first.kind !== 'done' || !first.done.alreadyDone || reprocess !== 'completed') return first;
    if (!(await isCommittedBy(job, partition, first.done.runId, manifests[i]!, stores))) return first;
    return launcher.launch({ ...base, isNewRun: true, isIfChanged: false }, signal);
  }

  private isPutOff(i: number, error: PrescoreError): boolean {
    if (error.code !== 'RUN_OWNED') return false;
    const tries = (this.owned.get(i)?.tries ?? 0) + 1;
    if (tries > OWNED.tries) return false;
    this.owned.set(i, { tries, notBeforeMs: performance.now() + OWNED.everyMs });
    this.queue.push(i);
    return true;
  }

  private async writeDown(): Promise<void> {
    const { log } = this;
    const { started, released, done, failed } = this;
    [this.started, this.released, this.done, this.failed] = [[], [], [], []];
    const isNew = (list: readonly unknown[]): boolean => list.length > 0;
    const isStopped = this.isStopAsked && log.state.control === 'active';
    this.isStopAsked = false;
    if (![started, released, done, failed].some(isNew) && !isStopped) return;
    await log.append({
      ...(isNew(started) ? { started } : {}),
      ...(isNew(released) ? { released } : {}),
      ...(isNew(done) ? { done } : {}),
      ...(isNew(failed) ? { failed } : {}),
      ...(isStopped ? { control: 'stop' as const } : {}),
    });
    await log.keepSnapshot();
  }
}
