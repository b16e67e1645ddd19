import { setTimeout as sleep } from 'node:timers/promises';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { DoneBitmap } from './done-bitmap.ts';
import { KnownStates } from './known-states.ts';
import { LiveRuns } from './live-runs.ts';
import { type QueueRedis, WORKERS_KEY } from './queue-redis.ts';
import { Reconciler } from './reconciler.ts';
import { ScorerCache } from './scorer-cache.ts';
import { checkAllowed, type Task } from './task.ts';
import { TaskQueues } from './task-queues.ts';
import { TaskRunner } from './task-runner.ts';
import { type LockTimes, type TakenTask, TaskSource } from './task-source.ts';
import type { WorkerDeps } from './worker-deps.ts';

const IDLE_FIRST_MS = 20;
const IDLE_LONGEST_MS = 400;
const BEAT_MS = 5_000;
const BEAT_LIFE_MS = 16_000;
const LOOK_AT_ENDS_MS = 1_000;
/** Of a slot, for a tiny chunk: a scorer child takes sixteen of them at a time, and waits for the store meanwhile. */
const TINY_WEIGHT = 1 / 8;

export interface WorkerOptions {
  /** Tasks in work at a time. */
  readonly slots: number;
  /** Jobs whose scorers are loaded at a time. */
  readonly jobs: number;
  /** Prefixes without a slash at the end. */
  readonly allow: readonly string[];
  /** States to look after from the start. */
  readonly states: readonly string[];
  readonly lock: LockTimes;
  readonly reconcileMs: number;
  /** What became of a task, for metrics. */
  readonly onTask: (kind: Task['kind'], what: 'done' | 'skipped' | 'failed' | 'later', rows: number) => void;
}

/**
 * A worker: takes tasks as long as it has free slots, until it is told to stop. Everything that it knows can be lost: what is
 * done is in the object store, what is to be done is found there again.
 */
export class QueueWorker {
  readonly queues: TaskQueues;
  private readonly source: TaskSource;
  private readonly redis: QueueRedis;
  private readonly runs: LiveRuns;
  private readonly scorerCache: ScorerCache;
  private readonly runner: TaskRunner;
  private readonly reconciler: Reconciler;
  private readonly states: KnownStates;
  private readonly options: WorkerOptions;
  private readonly deps: WorkerDeps;
  private readonly controller = new AbortController();
  /** Tasks in work, and the slots that each takes. */
  private readonly inWork = new Map<Promise<void>, { weight: number }>();
  private readonly timers: NodeJS.Timeout[] = [];
  private onSlot: () => void = () => undefined;
  /** When the queue last answered; for health. */
  private answeredAt = performance.now();

  private constructor(redis: QueueRedis, queues: TaskQueues, source: TaskSource, o: WorkerOptions, deps: WorkerDeps) {
    this.redis = redis;
    this.queues = queues;
    this.source = source;
    queues.onAdded = (origin) => source.refilled(origin);
    this.options = o;
    this.deps = deps;
    this.runs = new LiveRuns(deps);
    this.scorerCache = new ScorerCache(o.jobs, deps);
    const bits = new DoneBitmap(redis);
    const { runs, scorerCache } = this;
    this.runner = new TaskRunner({ runs, scorerCache, queues, bits, stop: this.controller.signal }, deps);
    const sayStates = (error: unknown): void => {
      deps.log.warn({ code: toPrescoreError(error).code }, `known states: ${toPrescoreError(error).message}`);
    };
    this.states = new KnownStates(deps.openStores(null), o.allow, o.states, sayStates);
    const parts = { states: this.states, runs, runner: this.runner, queues, redis, everyMs: o.reconcileMs };
    this.reconciler = new Reconciler(parts, deps);
  }

  /** Errors: QUEUE_UNAVAILABLE. */
  static async open(redis: QueueRedis, options: WorkerOptions, deps: WorkerDeps): Promise<QueueWorker> {
    const queues = await TaskQueues.open(redis);
    const source = await TaskSource.open(redis, deps.worker, options.lock);
    return new QueueWorker(redis, queues, source, options, deps);
  }

  /** Slots that are taken, begun ones included. */
  get active(): number {
    return Math.ceil(this.load);
  }

  private get load(): number {
    let load = 0;
    for (const { weight } of this.inWork.values()) load += weight;
    return load;
  }

  /** Whether tasks are taken: not stopping, and the queue answered within the last half minute. */
  get isReady(): boolean {
    return !this.controller.signal.aborted && performance.now() - this.answeredAt < 30_000;
  }

  /** Works until `stop`; ends when the last task in work has ended. */
  async run(): Promise<void> {
    await this.states.load();
    this.reconciler.start();
    this.every(BEAT_MS, () => this.beat());
    this.every(LOOK_AT_ENDS_MS, () => this.dropEnded());
    let idleMs = IDLE_FIRST_MS;
    while (!this.controller.signal.aborted) {
      if (this.load >= this.options.slots) {
        await new Promise<void>((resolve) => {
          this.onSlot = resolve;
        });
        continue;
      }
      const taken = await this.take();
      if (taken === null) {
        await sleep(idleMs * (0.75 + Math.random() / 2), undefined, { signal: this.controller.signal }).catch(
          () => undefined,
        );
        idleMs = Math.min(IDLE_LONGEST_MS, idleMs * 1.5);
        continue;
      }
      idleMs = IDLE_FIRST_MS;
      const place = { weight: 1 };
      const onTiny = (): void => {
        place.weight = TINY_WEIGHT;
        this.onSlot();
      };
      const work = this.work(taken, onTiny).finally(() => {
        this.inWork.delete(work);
        this.onSlot();
      });
      this.inWork.set(work, place);
    }
    await Promise.all(this.inWork.keys());
  }

  /** Takes no more tasks, and gives back what no scorer has begun. */
  stop(): void {
    if (this.controller.signal.aborted) return;
    const reason = new PrescoreError('INTERRUPTED', { what: 'the worker is stopping' });
    this.controller.abort(reason);
    this.scorerCache.abandon(reason);
    this.onSlot();
  }

  /** Ends everything at once; tasks in work come back to others when their locks run out. */
  kill(): void {
    this.stop();
    this.scorerCache.kill();
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.reconciler.stop();
    await this.source.close();
    await this.queues.close();
    await this.redis.connection.call(['ZREM', WORKERS_KEY, this.deps.worker]).catch(() => undefined);
    await this.redis.close();
    await this.scorerCache.close();
    await this.runs.close();
  }

  private async take(): Promise<TakenTask | null> {
    try {
      const taken = await this.source.next();
      this.answeredAt = performance.now();
      return taken;
    } catch (error) {
      const { code, message } = toPrescoreError(error);
      this.deps.log.warn({ code }, message);
      return null;
    }
  }

  private async work(taken: TakenTask, onTiny: () => void): Promise<void> {
    const { task } = taken;
    const { log } = this.deps;
    const fields = { run: task.run, kind: task.kind, n: task.n };
    try {
      checkAllowed(task.state, this.options.allow);
      this.states.note(task.state);
      const started = performance.now();
      const outcome = await this.runner.work(taken, onTiny);
      const ms = Math.round(performance.now() - started);
      if (outcome.kind === 'later') {
        this.options.onTask(task.kind, 'later', 0);
        log.debug({ ...fields, ms, delayMs: outcome.delayMs }, 'task comes again');
        await taken.later(outcome.delayMs);
        return;
      }
      this.options.onTask(task.kind, outcome.what, outcome.rows);
      log.debug({ ...fields, ms, rows: outcome.rows, what: outcome.what }, 'task');
      await taken.done();
    } catch (error) {
      const { code, message } = toPrescoreError(error);
      log.error({ ...fields, state: task.state, code }, message);
      this.options.onTask(task.kind, 'skipped', 0);
      await taken.done();
    }
  }

  private async dropEnded(): Promise<void> {
    for (const run of await this.runs.endedWhileBusy()) {
      this.scorerCache.abandon(
        new PrescoreError('RUN_CANCELLED', { what: 'the run has ended', where: run.runId }),
        run.runId,
      );
    }
  }

  private async beat(): Promise<void> {
    await this.redis.connection.call(['ZADD', WORKERS_KEY, String(Date.now() + BEAT_LIFE_MS), this.deps.worker]);
  }

  private every(ms: number, task: () => Promise<void>): void {
    const run = (): void => void task().catch(() => undefined);
    run();
    this.timers.push(setInterval(run, ms));
  }
}
