import { isSettled, type Job, type WrittenJob } from '../../src/base/contract/job.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';

/** A job file that names its model by its file. */
export function loadPinned(path: string): Job {
  return pinned(loadJob(path));
}

export function pinned(job: WrittenJob): Job {
  if (!isSettled(job)) throw new Error(`${job.name} names a model of a registry`);
  return job;
}
