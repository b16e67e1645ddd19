import type { Job } from '../../base/contract/job.ts';
import { parseJob } from '../../job/parse/parse-job.ts';
import { readSpec } from './read-spec.ts';

/** Reads and checks a job file. Errors: SPEC_NOT_FOUND and those of `parseJob`. */
export function loadJob(path: string): Job {
  return parseJob(...readSpec(path, 'job file'));
}
