import { randomUUID } from 'node:crypto';
import { type Job, Worker } from 'bullmq';
import { ORIGINS, type Origin } from '../../base/contract/queue-records.ts';
import { PREFIX, type QueueRedis, queueError } from './queue-redis.ts';
import { readTask, type Task } from './task.ts';

/** Times in milliseconds. */
export interface LockTimes {
  /** A task whose worker has not renewed its lock for this long is given to another one. */
  readonly lockMs: number;
  readonly stalledMs: number;
}

export const LOCK: LockTimes = { lockMs: 60_000, stalledMs: 15_000 };

/** Our own count of tries decides, so BullMQ's is out of reach. */
const MAX_STALLED = 1_000_000;

/** A queue that was empty is not asked again for so long, unless this process puts something into it. */
const EMPTY_MS = 50;

/** A task that is ours until it is done, given back, or its lock runs out. */
export interface TakenTask {
  readonly task: Task;
  readonly origin: Origin;
  /** How often a worker has vanished with it. */
  readonly stalls: number;
  /** Takes it out of the queue. */
  done(): Promise<void>;
  /** Puts it back, to be taken again after a while. */
  later(delayMs: number): Promise<void>;
}

/**
 * The taking side. BullMQ workers without a processor: tasks are asked for one by one, from one queue after the other, so that
 * each origin that has something waiting gets the same share. Locks are renewed here, by one timer.
 */
export class TaskSource {
  private readonly redis: QueueRedis;
  private readonly workers: readonly { readonly origin: Origin; readonly worker: Worker }[];
  private readonly times: LockTimes;
  private readonly held = new Map<string, { readonly worker: Worker; readonly token: string; readonly id: string }>();
  private readonly timer: NodeJS.Timeout;
  private readonly emptyUntil = new Map<Origin, number>();
  private turn = 0;

  private constructor(redis: QueueRedis, workers: TaskSource['workers'], times: LockTimes) {
    this.redis = redis;
    this.workers = workers;
    this.times = times;
    this.timer = setInterval(() => void this.renew(), times.lockMs / 3);
  }

  /** Errors: QUEUE_UNAVAILABLE. */
  static async open(redis: QueueRedis, name: string, times: LockTimes): Promise<TaskSource> {
    const connection = await redis.client();
    const workers = ORIGINS.map((origin) => {
      const worker = new Worker(origin, null, {
        connection,
        prefix: PREFIX,
        name,
        autorun: false,
        lockDuration: times.lockMs,
        stalledInterval: times.stalledMs,
        maxStalledCount: MAX_STALLED,
        // After a failed look for stalled tasks.
        runRetryDelay: Math.min(5_000, times.stalledMs),
      });
      worker.on('error', () => undefined);
      return { origin, worker };
    });
    try {
      await Promise.all(workers.map(({ worker }) => worker.waitUntilReady()));
      await Promise.all(workers.map(({ worker }) => worker.startStalledCheckTimer()));
    } catch (error) {
      throw queueError(error, redis.url);
    }
    return new TaskSource(redis, workers, times);
  }

  /**
   * The next task, from the queue after the one that gave the last; null when nothing waits.
   *
   * Errors: QUEUE_UNAVAILABLE; QUEUE_CONFIG for what is no task (it is taken out).
   */
  async next(): Promise<TakenTask | null> {
    for (let i = 0; i < this.workers.length; i++) {
      const { origin, worker } = this.workers[this.turn++ % this.workers.length]!;
      if (performance.now() < (this.emptyUntil.get(origin) ?? 0)) continue;
      const token = randomUUID();
      let job: Job | undefined;
      try {
        job = await worker.getNextJob(token, { block: false });
      } catch (error) {
        throw queueError(error, this.redis.url);
      }
      if (job === undefined) {
        this.emptyUntil.set(origin, performance.now() + EMPTY_MS);
        continue;
      }
      try {
        return this.taken(readTask(job.data), origin, worker, job, token);
      } catch (error) {
        await this.settle(token, () => job.moveToCompleted(null, token, false));
        throw error;
      }
    }
    return null;
  }

  /** Something was put into a queue: it is asked again at once. */
  refilled(origin: Origin): void {
    this.emptyUntil.delete(origin);
  }

  /** Stops renewing and taking. Tasks that are still held come back to others when their locks run out. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.workers.map(({ worker }) => worker.close(true).catch(() => undefined)));
  }

  private taken(task: Task, origin: Origin, worker: Worker, job: Job, token: string): TakenTask {
    this.held.set(token, { worker, token, id: job.id ?? '' });
    return {
      task,
      origin,
      stalls: job.stalledCounter,
      done: () => this.settle(token, () => job.moveToCompleted(null, token, false)),
      later: (delayMs) => this.settle(token, () => job.moveToDelayed(Date.now() + delayMs, token)),
    };
  }

  // A task that is not ours any more (its lock ran out, Redis was emptied) needs nothing from us: records decide.
  private async settle(token: string, move: () => Promise<unknown>): Promise<void> {
    this.held.delete(token);
    await move().catch(() => undefined);
  }

  private async renew(): Promise<void> {
    for (const { worker } of this.workers) {
      const own = [...this.held.values()].filter((entry) => entry.worker === worker);
      if (own.length === 0) continue;
      const [ids, tokens] = [own.map((e) => e.id), own.map((e) => e.token)];
      await worker.extendJobLocks(ids, tokens, this.times.lockMs).catch(() => undefined);
    }
  }
}
