import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';
import { slotsOf } from '../../run/pipeline/run-job.ts';
import { scoreFirstRows } from '../../run/pipeline/score-first-rows.ts';
import { tryScoring } from '../processes/trial-scorer.ts';
import { readVersions } from '../wiring/versions.ts';
import type { Attempt, Finding } from './doctor-finding.ts';

/** As many as tell a fault of the host or the model, which concerns every row, from one of a row. */
const ROWS = 16;
/** Nothing to try: no fault of the host, and a scheduled job may well wait for its first input. */
const NO_INPUT: ReadonlySet<string> = new Set(['INPUT_NOT_FOUND', 'PARTITION_UNKNOWN']);

/** Scores a row of a small model here, in a child as a run has them: the native libraries load, and take what they are given. */
export async function checkScoring(attempt: Attempt): Promise<void> {
  await attempt('scoring', async () => {
    const { isCopying } = await tryScoring();
    const found = isCopying
      ? `a row is scored; feeds are copied once a batch, as ${process.version} gives no shared memory to native code (22.21, 24.9 and newer do)`
      : 'a row is scored';
    return { verdict: 'ok', found, fix: '' };
  });
}

/** Scores the first rows of a job's input as a run would. */
export async function checkFirstRows(
  job: Job,
  stores: StoreResolver,
  scorers: () => Promise<LoadedScorers>,
  attempt: Attempt,
): Promise<void> {
  await attempt('first rows', async () => {
    try {
      const [slot] = slotsOf(job, null, new Date().toISOString());
      if (slot === undefined) throw new PrescoreError('PARTITION_UNKNOWN', { what: 'the job has no partitions' });
      const deps = { stores, versions: readVersions(), now: () => new Date() };
      return judge(await scoreFirstRows(job, slot, ROWS, await scorers(), deps));
    } catch (error) {
      if (!isPrescoreError(error) || !NO_INPUT.has(error.code)) throw error;
      const fix = `Once there is input, prescore run JOB --sample ${ROWS} scores its first rows.`;
      return { verdict: 'warn', found: `none was scored: ${error.details.what}`, fix };
    }
  });
}

function judge({
  rows,
  rejected,
  uri,
  dependence,
}: Awaited<ReturnType<typeof scoreFirstRows>>): Omit<Finding, 'check'> {
  const [first] = rejected;
  if (rows.length > 0) {
    const others = rejected.length === 0 ? '' : `, ${rejected.length} rejected (${first!.rule})`;
    const found = `${rows.length} of ${uri} are scored${others}`;
    if (dependence === null) return { verdict: 'ok', found, fix: '' };
    return { verdict: 'warn', found: `${found}; ${sayRowDependence(dependence)}`, fix: 'See: prescore help models.' };
  }
  if (first === undefined)
    return { verdict: 'warn', found: `none was scored: ${uri} has no rows`, fix: 'Nothing, if that is right.' };
  const reason = `${first.rule}${first.column === '' ? '' : ` in ${first.column}`}: ${first.message}`;
  if (first.rule === 'model_error')
    throw new PrescoreError('MODEL_FAILED', { what: `the model refuses rows of ${uri}: ${first.message}` });
  const fix = `prescore run JOB --sample ${ROWS} shows each; prescore help rejects says what the rules mean.`;
  return { verdict: 'warn', found: `the first ${rejected.length} of ${uri} are rejected: ${reason}`, fix };
}
