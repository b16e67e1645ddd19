import type { WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { loadJob } from '../load/load-job.ts';
import { createStoreResolver } from './open-store.ts';

/** Reads a job file, opens its stores for the task, and closes them. Errors: those of the file and of the task. */
export async function withJob(
  path: string,
  task: (job: WrittenJob, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  const job = loadJob(path);
  const stores = createStoreResolver(job.stores, { env: process.env });
  try {
    return await task(job, stores);
  } finally {
    await stores.close();
  }
}
