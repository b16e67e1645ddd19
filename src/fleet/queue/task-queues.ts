import { Queue } from 'bullmq';
import { ORIGINS, type Origin } from '../../base/contract/queue-records.ts';
import { PREFIX, type QueueRedis, queueError } from './queue-redis.ts';
import { type Task, taskId } from './task.ts';

/** What a queue holds. */
export interface QueueDepth {
  readonly origin: Origin;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** Age of the task that has waited longest, in milliseconds; 0 when none waits. */
  readonly oldestMs: number;
}

/** Nothing is kept of a finished job: its result is in the object store, and its id becomes free for the same task. */
const FORGOTTEN = { removeOnComplete: true, removeOnFail: true } as const;

/** The producing side: one BullMQ queue for each origin. */
export class TaskQueues {
  readonly redis: QueueRedis;
  /** Told of every origin into whose queue something was put. */
  onAdded: (origin: Origin) => void = () => undefined;
  private readonly queues: ReadonlyMap<Origin, Queue>;

  private constructor(redis: QueueRedis, queues: ReadonlyMap<Origin, Queue>) {
    this.redis = redis;
    this.queues = queues;
  }

  /** Errors: QUEUE_UNAVAILABLE. */
  static async open(redis: QueueRedis): Promise<TaskQueues> {
    const connection = await redis.client();
    const queues = new Map(ORIGINS.map((origin) => [origin, new Queue(origin, { connection, prefix: PREFIX })]));
    for (const queue of queues.values()) queue.on('error', () => undefined);
    return new TaskQueues(redis, queues);
  }

  /**
   * Puts tasks into the queue of an origin; those that are in it already stay where they are. `first`: before all others, for
   * what ends a run.
   *
   * Errors: QUEUE_UNAVAILABLE, QUEUE_CONFIG. Repeat: safe.
   */
  async add(origin: Origin, tasks: readonly Task[], isFirst = false): Promise<void> {
    if (tasks.length === 0) return;
    const queue = this.queues.get(origin)!;
    const opts = { ...FORGOTTEN, ...(isFirst ? { lifo: true } : {}) };
    try {
      if (tasks.length === 1) await queue.add(tasks[0]!.kind, tasks[0]!, { ...opts, jobId: taskId(tasks[0]!) });
      else
        await queue.addBulk(
          tasks.map((task) => ({ name: task.kind, data: task, opts: { ...opts, jobId: taskId(task) } })),
        );
    } catch (error) {
      throw queueError(error, this.redis.url);
    }
    this.onAdded(origin);
  }

  /** What waits, by origin. Errors: QUEUE_UNAVAILABLE. */
  async depths(): Promise<QueueDepth[]> {
    try {
      return await Promise.all(
        [...this.queues].map(async ([origin, queue]) => {
          const counts = await queue.getJobCounts('waiting', 'active', 'delayed');
          const [oldest] = await queue.getJobs(['waiting'], 0, 0, true);
          return {
            origin,
            waiting: counts['waiting'] ?? 0,
            active: counts['active'] ?? 0,
            delayed: counts['delayed'] ?? 0,
            oldestMs: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.timestamp),
          };
        }),
      );
    } catch (error) {
      throw queueError(error, this.redis.url);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(() => undefined)));
  }
}
