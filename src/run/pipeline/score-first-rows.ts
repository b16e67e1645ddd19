import type { Job } from '../../base/contract/job.ts';
import type { RowDependence } from '../../base/contract/row-dependence.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { expandTemplate } from '../../job/values/template.ts';
import type { RunContext, SampleResult } from '../../scoring/child/messages.ts';
import type { ScorerPool } from '../../scoring/pool/scorer-pool.ts';
import { describeRequest, fitToTables } from '../plan/delta-inputs.ts';
import { deriveInputs } from '../plan/derive-inputs.ts';
import { type BoundInputs, bindInputs } from '../plan/describe-inputs.ts';
import { listInputs } from '../plan/list-inputs.ts';
import { type ExactDeps, findExactness } from './exactness.ts';
import type { LoadedScorers } from './run-deps.ts';

/** Enough for first rows; what larger batches take is not known yet. */
const MOST_BATCH_ROWS = 64;

/** No run has this id: those have a partition, a time and an attempt in them. */
const RUN_ID = 'first-rows';

export interface FirstRows extends SampleResult {
  /** The file that they are of. */
  readonly uri: string;
  /** Why rows are not scored by themselves; null where nothing speaks against it. */
  readonly dependence: RowDependence | null;
}

/**
 * Scores the first rows of a slot's first file the way a run would, from its bytes to predictions; looks at no other file and writes
 * nothing but the feeds, into the folder `feeds` of this machine, where one is named.
 *
 * Errors: those of `listInputs` and `bindInputs`, those of reading and scoring.
 */
export async function scoreFirstRows(
  job: Job,
  slot: Slot,
  rows: number,
  scorers: LoadedScorers,
  deps: ExactDeps,
  feeds?: string,
): Promise<FirstRows> {
  const { pool, model } = scorers;
  const [first] = await listInputs(job, slot.partition, deps.stores);
  const { uri } = first!;
  const found = fitToTables([first!], await pool.describe([describeRequest(job, first!)]));
  const described = await deriveInputs(job, found, (request) => pool.ask(request));
  const { binding, files, outputColumns } = bindInputs(job, model, [first!], described);
  const { exact, dependence } = await findExactness(job, binding, { batch: rows, table: rows }, scorers, deps);
  const own = {
    outputUri: expandTemplate(job.output.uri, slot.partition),
    scoredAt: slot.logicalTime ?? new Date().toISOString(),
    policy: exact?.policy,
  };
  const sample = await sampleFirst({ job, binding, files, outputColumns }, rows, pool, own, feeds);
  return { uri, dependence, ...sample };
}

/** A file of a job's input, and how it feeds the model. */
export interface FirstFile extends Pick<BoundInputs, 'binding' | 'files' | 'outputColumns'> {
  readonly job: Job;
}

/**
 * Scores the first rows of a file as a run would; `own` is what the job does not say, or what is to be otherwise. `feeds`: as above.
 *
 * Errors: those of reading and scoring.
 */
export async function sampleFirst(
  { job, binding, files, outputColumns }: FirstFile,
  rows: number,
  pool: ScorerPool,
  own: Partial<RunContext> & Pick<RunContext, 'outputUri' | 'scoredAt'>,
  feeds?: string,
): Promise<SampleResult> {
  pool.bind({
    runId: RUN_ID,
    state: job.state,
    binding,
    batchRows: binding.fixedBatch ?? Math.min(rows, MOST_BATCH_ROWS),
    outputColumns,
    compression: job.output.compression,
    rowGroupRows: job.output.rowGroupRows,
    modelName: job.model.name,
    modelVersion: job.model.version,
    onBadFile: job.input.onBadFile,
    where: job.where,
    columns: job.columns,
    ...own,
  });
  try {
    return await pool.sample(RUN_ID, files, rows, feeds);
  } finally {
    pool.unbind(RUN_ID);
  }
}
