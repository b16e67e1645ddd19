import type { WrittenJob } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

const LOOKUPS = 'Lookups of what it has published work: serve the set with order: [cache].';

/**
 * Refuses a job for single rows (live inference, streams) whose SQL would have to be evaluated for them: `where`, and `columns` that
 * are features. Without it a row would be scored that the job leaves out. `needed`: the columns of the features, where the model
 * names them.
 *
 * Errors: SPEC_INVALID.
 */
export function refuseExpressions(job: WrittenJob, needed: readonly string[] = neededByJob(job)): void {
  if (job.where !== undefined) {
    throw new PrescoreError('SPEC_INVALID', {
      what: `job ${job.name} filters its rows by where, which live inference and streams do not evaluate`,
      where: 'where',
      fix: `${LOOKUPS} For live answers, or a stream, name a job file without where: it scores every row that it is given.`,
    });
  }
  const computed = needed.filter((name) => Object.hasOwn(job.columns ?? {}, name));
  if (computed.length === 0) return;
  throw new PrescoreError('SPEC_INVALID', {
    what: `features of job ${job.name} are computed by its columns (${computed.join(', ')}), which live inference and streams do not evaluate`,
    where: `columns.${computed[0]}`,
    fix: `${LOOKUPS} For live answers, or a stream, write the values as source columns instead of columns:.`,
  });
}

/** The columns of the features that a job file names. Errors: none. */
export function neededByJob({ features }: WrittenJob): string[] {
  return Object.values(features ?? {}).flatMap((feature) => (feature.kind === 'columns' ? [...feature.columns] : []));
}
