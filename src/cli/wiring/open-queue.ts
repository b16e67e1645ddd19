import { hostname } from 'node:os';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { QueueRedis } from '../../fleet/queue/queue-redis.ts';
import { redisCredentials } from './open-prediction-store.ts';

export interface QueueFlags {
  readonly redis?: string;
  readonly allowEviction?: boolean;
}

/** Opens the Redis of the queue: --redis, else PRESCORE_REDIS_URL. Errors: USAGE, QUEUE_*. */
export async function openQueueRedis(flags: QueueFlags, warn: (text: string) => void): Promise<QueueRedis> {
  const url = flags.redis ?? process.env['PRESCORE_REDIS_URL'] ?? '';
  if (url === '') {
    throw new PrescoreError('USAGE', { what: 'no queue is named', expected: '--redis URL, or PRESCORE_REDIS_URL' });
  }
  const credentials = redisCredentials(process.env);
  const allowEviction = flags.allowEviction === true || process.env['PRESCORE_REDIS_ALLOW_EVICTION'] === '1';
  const redis = await QueueRedis.open(url, { credentials, allowUserInfo: true, allowEviction });
  for (const warning of redis.warnings) warn(warning);
  return redis;
}

/** Who this process is in records. */
export function ownName(): string {
  return `${hostname()}:${process.pid}`;
}
