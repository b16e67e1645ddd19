import { LAUNCHER_DEFAULTS, QueueLauncher, type QueueLauncherOptions } from '../../fleet/queue/queue-launcher.ts';
import type { QueueRedis } from '../../fleet/queue/queue-redis.ts';
import { TaskQueues } from '../../fleet/queue/task-queues.ts';
import { ownName } from './open-queue.ts';
import { createStoreResolver } from './open-store.ts';
import { readVersions } from './versions.ts';

type Chosen = Pick<QueueLauncherOptions, 'allowUnpinned' | 'emit' | 'warn'> & Partial<QueueLauncherOptions>;

/** A launcher of this process over an open queue. Errors: QUEUE_UNAVAILABLE. Owns: `redis` stays the caller's. */
export async function openQueueLauncher(redis: QueueRedis, chosen: Chosen): Promise<QueueLauncher> {
  return new QueueLauncher({
    ...LAUNCHER_DEFAULTS,
    openStores: (blocks) => createStoreResolver(blocks, { env: process.env }),
    queues: await TaskQueues.open(redis),
    versions: readVersions(),
    now: () => new Date(),
    by: ownName(),
    ...chosen,
  });
}
