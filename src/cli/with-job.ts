import type { Job } from '../contract/job.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import { createStoreResolver } from '../object-store/open-store.ts';
import { loadJob } from './load-job.ts';

/** Reads a job file, opens its stores for the task, and closes them. Errors: those of the file and of the task. */
export async function withJob(
  path: string,
  task: (job: Job, stores: StoreResolver) => Promise<number>,
): Promise<number> {
  const job = loadJob(path);
  const stores = createStoreResolver(job.stores, { env: process.env });
  try {
    return await task(job, stores);
  } finally {
    await stores.close();
  }
}
