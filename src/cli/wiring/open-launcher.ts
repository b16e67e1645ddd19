import type { RunEvent } from '../../base/contract/run-events.ts';
import type { LaunchRequest, RunLauncher } from '../../base/contract/run-launcher.ts';
import { EmbeddedLauncher } from './embedded-launcher.ts';
import type { QueueFlags } from './open-queue.ts';
import { createStoreResolver } from './open-store.ts';
import { whyWaiting } from './waiting-input.ts';

export interface OpenedLauncher {
  readonly use: RunLauncher;
  /** Ends what runs in this process at once; workers of a queue go on. */
  kill(): void;
  close(): Promise<void>;
}

export interface LauncherOptions {
  readonly allowUnpinned: boolean;
  readonly emit: (event: RunEvent) => void;
  readonly warn: (text: string) => void;
  /** Runs that go at the same time in this process. */
  readonly atOnce?: number;
}

/**
 * The launcher of schedules and backfills: the queue of `--redis`, whose workers do the runs, or this process.
 *
 * Errors: QUEUE_* when the queue cannot be used.
 */
export async function openLauncher(flags: QueueFlags, options: LauncherOptions): Promise<OpenedLauncher> {
  if (flags.redis === undefined) {
    const embedded = new EmbeddedLauncher(options);
    return { use: embedded, kill: () => embedded.kill(), close: () => embedded.close() };
  }
  const { openQueueRedis } = await import('./open-queue.ts');
  const { openQueueLauncher } = await import('./open-queue-launcher.ts');
  const redis = await openQueueRedis(flags, options.warn);
  try {
    const { allowUnpinned, emit, warn } = options;
    const launcher = await openQueueLauncher(redis, { allowUnpinned, emit, warn });
    const close = async (): Promise<void> => {
      await launcher.close();
      await redis.close();
    };
    const use: RunLauncher = {
      launch: async (request, stop) => {
        const why = await whyLater(request);
        return why === null ? launcher.launch(request, stop) : { kind: 'waiting', why };
      },
      publish: (job, stop) => launcher.publish(job, stop),
      close,
    };
    return { use, kill: () => undefined, close };
  } catch (error) {
    await redis.close();
    throw error;
  }
}

// Workers score what is there: whether all of it is, the scheduler looks itself. A store that fails is the run's to tell.
async function whyLater(request: LaunchRequest): Promise<string | null> {
  if (request.job.schedule?.waitForInput == null) return null;
  const stores = createStoreResolver(request.job.stores, { env: process.env });
  try {
    return await whyWaiting(request, stores).catch(() => null);
  } finally {
    await stores.close();
  }
}
