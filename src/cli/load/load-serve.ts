import type { WrittenJob } from '../../base/contract/job.ts';
import type { ServeConfig, ServedSet } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { parseServe } from '../../job/parse/parse-serve.ts';
import { sayDuration } from '../../job/values/quantities.ts';
import { loadJob } from './load-job.ts';
import { readSpec } from './read-spec.ts';
import { refuseExpressions } from './refuse-expressions.ts';

/** A serve file with the jobs that it names. */
export interface LoadedServe {
  readonly config: ServeConfig;
  /** By set name; only sets with a job. */
  readonly jobs: ReadonlyMap<string, WrittenJob>;
  /** What works, but hardly as meant. */
  readonly warnings: readonly string[];
}

/** Reads and checks a serve file and its job files. Errors: SPEC_*, and those of `loadJob`. */
export function loadServe(path: string): LoadedServe {
  const config = parseServe(...readSpec(path, 'serve file'));
  const jobs = new Map<string, WrittenJob>();
  const warnings: string[] = [];
  for (const [name, set] of Object.entries(config.sets)) {
    if (set.job !== null) jobs.set(name, loadJob(set.job));
    const job = jobs.get(name) ?? null;
    if (set.store === null && job?.predictions === null)
      throw new PrescoreError('SPEC_INVALID', {
        what: `sets.${name}: neither it nor its job names a store`,
        where: path,
      });
    if (job !== null && set.order.includes('live')) refuseExpressions(job);
    if (job !== null) warnings.push(...warningsOf(name, set, job));
  }
  return { config, jobs, warnings };
}

/** Where a set lives. */
export function storeOf(set: ServedSet, job: WrittenJob | undefined): string {
  return set.store ?? job?.predictions?.store ?? '';
}

function warningsOf(name: string, set: ServedSet, { predictions, name: job }: WrittenJob): string[] {
  if (predictions === null) return [];
  const found: string[] = [];
  const needed = set.maxAgeMs === null ? null : set.maxAgeMs + (set.staleForMs ?? 0);
  if (predictions.ttlMs !== null && needed !== null && predictions.ttlMs < needed) {
    const parts = `${sayDuration(predictions.ttlMs)} is less than maxAge + staleFor, ${sayDuration(needed)}`;
    found.push(`sets.${name}: predictions.ttl of job ${job}, ${parts}: answers are gone before they are too old`);
  }
  if (predictions.set !== name) found.push(`sets.${name}: job ${job} publishes into the set ${predictions.set}`);
  return found;
}
