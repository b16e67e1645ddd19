import { PREFIX, type QueueRedis } from './queue-redis.ts';
import { stateDigest } from './task.ts';

/** A run that nobody has touched for this long is forgotten by Redis. */
const KEPT_S = 7 * 24 * 3600;

/**
 * One bit a chunk in Redis: a hint of what is recorded, so that the last of many workers knows that it was the last, and a task
 * that comes twice is noticed without a request to the object store. It may be lost at any time.
 */
export class DoneBitmap {
  private readonly redis: QueueRedis;

  constructor(redis: QueueRedis) {
    this.redis = redis;
  }

  /** Whether a chunk seems to be done. Errors: QUEUE_UNAVAILABLE. */
  async has(state: string, runId: string, n: number): Promise<boolean> {
    return (await this.redis.connection.call(['GETBIT', keyOf(state, runId), String(n)])) === 1;
  }

  /** Notes chunks; gives how many are noted now. Errors: QUEUE_UNAVAILABLE. */
  async add(state: string, runId: string, chunks: readonly number[]): Promise<number> {
    const key = keyOf(state, runId);
    const replies = await this.redis.connection.callAll([
      ...chunks.map((n) => ['SETBIT', key, String(n), '1']),
      ['EXPIRE', key, String(KEPT_S)],
      ['BITCOUNT', key],
    ]);
    return Number(replies.at(-1));
  }

  async drop(state: string, runId: string): Promise<void> {
    await this.redis.connection.call(['UNLINK', keyOf(state, runId)]);
  }
}

function keyOf(state: string, runId: string): string {
  return `${PREFIX}:done:${stateDigest(state)}.${runId}`;
}
