import type { PublicationEnd, RunEnd } from '../../base/contract/queue-records.ts';
import { PrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import type { DoneBitmap } from './done-bitmap.ts';
import type { LiveRun, LiveRuns } from './live-runs.ts';
import { commitStep, planStep, type StepDeps, scoreStep } from './run-steps.ts';
import type { ScorerCache } from './scorer-cache.ts';
import type { Task } from './task.ts';
import type { TaskQueues } from './task-queues.ts';
import type { TakenTask } from './task-source.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Tries of one task over all workers; a scorer child that dies has had three within each. */
export const MAX_TRIES = 5;
/** Workers that may vanish with a task before it is believed that the task ends them. */
const MAX_STALLS = 10;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const OWNED_PAUSE_MS = 2_000;
const OUT_OF_REACH_MS = 5_000;

/** What to do with a task that was worked on: take it out, or have it come again. */
export type TaskOutcome =
  | { readonly kind: 'done'; readonly rows: number; readonly what: 'done' | 'skipped' | 'failed' }
  | { readonly kind: 'later'; readonly delayMs: number };

const SKIPPED: TaskOutcome = { kind: 'done', rows: 0, what: 'skipped' };
const DONE: TaskOutcome = { kind: 'done', rows: 0, what: 'done' };

export interface RunnerParts {
  readonly runs: LiveRuns;
  readonly scorerCache: ScorerCache;
  readonly queues: TaskQueues;
  readonly bits: DoneBitmap;
  readonly stop: AbortSignal;
}

/**
 * Works on one task. Whatever happens is written into the object store before the task leaves the queue; a task whose run has
 * ended, or whose record is there, changes nothing.
 */
export class TaskRunner {
  private readonly parts: RunnerParts;
  private readonly deps: WorkerDeps;
  /** Runs that publications waited for and that have ended. */
  private readonly ended = new Map<string, boolean>();

  constructor(parts: RunnerParts, deps: WorkerDeps) {
    this.parts = parts;
    this.deps = deps;
  }

  /** `onTiny` is called for a tiny chunk. Errors: none; what goes wrong is recorded, or the task comes again. */
  async work(taken: TakenTask, onTiny: () => void): Promise<TaskOutcome> {
    const { task } = taken;
    try {
      if (task.kind === 'publish') return await this.publish(task);
      const run = await this.parts.runs.get(task.state, task.run);
      if (run === null || !(await run.isLive())) return SKIPPED;
      run.busy++;
      try {
        return await this.workOn(run, taken, onTiny);
      } finally {
        run.busy--;
      }
    } catch (error) {
      const known = toPrescoreError(error);
      // The records cannot be read or written: nothing can be said about the run, least of all that it failed.
      this.deps.log.warn({ run: task.run, kind: task.kind, n: task.n, code: known.code }, known.message);
      return known.code === 'STATE_REFUSED' ? SKIPPED : { kind: 'later', delayMs: OUT_OF_REACH_MS };
    }
  }

  private async workOn(run: LiveRun, taken: TakenTask, onTiny: () => void): Promise<TaskOutcome> {
    try {
      if (taken.stalls >= MAX_STALLS) throw vanished(taken);
      return await this.step(run, taken, onTiny);
    } catch (error) {
      return this.failed(run, taken.task, toPrescoreError(error));
    }
  }

  private async step(run: LiveRun, { task, origin }: TakenTask, onTiny: () => void): Promise<TaskOutcome> {
    const steps: StepDeps = { ...this.parts, ...this.deps };
    if (task.kind === 'plan') {
      await planStep(run, steps);
      await this.feed(run);
      return DONE;
    }
    if (task.kind === 'chunk') {
      const rows = await scoreStep(run, task.n, steps, onTiny);
      if (rows === null) return SKIPPED;
      faultPoint('between-record-and-queue');
      await this.advance(run, task.n);
      return { kind: 'done', rows, what: 'done' };
    }
    const done = await commitStep(run, steps);
    if (done === null) return SKIPPED;
    faultPoint('between-commit-and-end');
    await this.end(run, { kind: 'done', done });
    this.deps.log.info({ run: run.runId, rows: done.rows, origin }, 'run is committed');
    await this.parts.bits.drop(run.state, run.runId).catch(() => undefined);
    return DONE;
  }

  /** Puts into the queue what a planned run lacks; for the planner and the reconciler. Errors: those of queue and store. */
  async feed(run: LiveRun): Promise<void> {
    const planned = await run.planned();
    if (planned === null) return;
    const { order } = planned;
    const { request, state, runId } = run;
    const recorded = [...(await run.ledger.listedChunks()).keys()];
    for (const n of recorded) order.markDone(n);
    if (recorded.length > 0) await this.parts.bits.add(state, runId, recorded);
    const task = (kind: 'chunk' | 'commit', n: number): Task => ({ state, run: runId, kind, n });
    if (order.known >= order.count) await this.parts.queues.add(request.origin, [task('commit', 0)], true);
    else
      await this.parts.queues.add(
        request.origin,
        order.heads().map((n) => task('chunk', n)),
      );
  }

  // The record is written, so nothing here can fail the chunk; what Redis does not take the reconciler finds.
  private async advance(run: LiveRun, n: number): Promise<void> {
    const planned = await run.planned();
    if (planned === null) return;
    const { order } = planned;
    const { request, state, runId } = run;
    order.markDone(n);
    const next = order.after(n);
    try {
      const [count] = await Promise.all([
        this.parts.bits.add(state, runId, [n]),
        next === null ? null : this.parts.queues.add(request.origin, [{ state, run: runId, kind: 'chunk', n: next }]),
      ]);
      if (count >= order.count)
        await this.parts.queues.add(request.origin, [{ state, run: runId, kind: 'commit', n: 0 }], true);
    } catch (error) {
      this.deps.log.warn({ run: runId, n, code: toPrescoreError(error).code }, 'the queue was not told of a chunk');
    }
  }

  private async failed(run: LiveRun, task: Task, error: PrescoreError): Promise<TaskOutcome> {
    const { log, worker } = this.deps;
    const fields = { run: task.run, kind: task.kind, n: task.n, code: error.code };
    if (error.code === 'INTERRUPTED') return { kind: 'later', delayMs: 0 };
    if (error.code === 'RUN_OWNED') {
      log.info(fields, error.message);
      return { kind: 'later', delayMs: OWNED_PAUSE_MS };
    }
    if (error.code.startsWith('QUEUE_')) {
      log.warn(fields, error.message);
      return { kind: 'later', delayMs: OWNED_PAUSE_MS };
    }
    if (!(await run.isLive(true))) return SKIPPED;
    const { requests, request } = run;
    const at = this.deps.now().toISOString();
    const json = toErrorJson(error);
    const tries = await requests.noteFailure(task.run, request.k, {
      kind: task.kind,
      n: task.n,
      error: json,
      worker,
      at,
    });
    log.warn({ ...fields, tries }, error.message);
    if (error.retryable && tries < MAX_TRIES) return { kind: 'later', delayMs: pauseAfter(tries) };
    await this.end(run, { kind: 'failed', error: json });
    log.error(fields, 'run failed');
    return { kind: 'done', rows: 0, what: 'failed' };
  }

  private async end(
    run: LiveRun,
    outcome: { readonly kind: 'done'; readonly done: (RunEnd & { kind: 'done' })['done'] } | FailedEnd,
  ): Promise<void> {
    const { runId, request } = run;
    const endedAt = this.deps.now().toISOString();
    const own: RunEnd = { format: 1, runId, k: request.k, endedAt, by: this.deps.worker, ...outcome };
    run.end = await run.requests.finish(own);
    if (run.end === own) this.deps.onEnded(request, own);
  }

  private async publish(task: Task): Promise<TaskOutcome> {
    const requests = this.parts.runs.requestsOf(task.state);
    const publication = await requests.publication(task.run);
    if (publication === null || (await requests.publicationEnd(task.run)) !== null) return SKIPPED;
    const { job, after, hasCommitted, isForced, isRebuild, partition } = publication;
    let isAny = hasCommitted;
    for (const runId of after) {
      const key = `${task.state} ${runId}`;
      if (!this.ended.has(key)) {
        const state = await requests.newest(runId);
        if (state !== null && state.end === null) {
          const age = Date.now() - Date.parse(publication.requestedAt);
          return { kind: 'later', delayMs: Math.min(10_000, Math.max(300, age / 20)) };
        }
        this.ended.set(key, state?.end?.kind === 'done');
      }
      isAny ||= this.ended.get(key) === true;
    }
    const stores = this.parts.runs.storesOf(job.stores);
    const finish = (end: PublicationOutcome): Promise<void> =>
      requests.finishPublication(task.run, {
        format: 1,
        endedAt: this.deps.now().toISOString(),
        by: this.deps.worker,
        ...end,
      });
    try {
      const how = { isForced, isRebuild, partition, stop: this.parts.stop };
      const event = isAny ? await this.deps.publish(job, stores, how) : null;
      await finish({ kind: 'done', event });
      return DONE;
    } catch (error) {
      const known = toPrescoreError(error);
      if (known.code === 'INTERRUPTED') return { kind: 'later', delayMs: 0 };
      const json = toErrorJson(known);
      const at = this.deps.now().toISOString();
      const tries = await requests.notePublicationFailure(task.run, { error: json, worker: this.deps.worker, at });
      this.deps.log.warn({ publication: task.run, code: known.code, tries }, known.message);
      if (known.retryable && tries < MAX_TRIES) return { kind: 'later', delayMs: pauseAfter(tries) };
      await finish({ kind: 'failed', error: json });
      return { kind: 'done', rows: 0, what: 'failed' };
    }
  }
}

type FailedEnd = Pick<RunEnd & { kind: 'failed' }, 'kind' | 'error'>;
type PublicationOutcome =
  | Pick<PublicationEnd & { kind: 'done' }, 'kind' | 'event'>
  | Pick<PublicationEnd & { kind: 'failed' }, 'kind' | 'error'>;

/** Doubling, with a jitter so that workers do not come back together. */
function pauseAfter(tries: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
}

function vanished({ task, stalls }: TakenTask): PrescoreError {
  const what = `${stalls} workers vanished while they worked on this ${task.kind} task`;
  return new PrescoreError('WORKER_LOST', { what, where: `${task.kind} ${task.n} of ${task.run}` });
}
