import type { Binding } from '../../base/contract/binding.ts';
import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { digestOf } from '../../job/slots/canonical-json.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { isSource } from '../../scoring/tensor/bind-features.ts';
import { planRun } from './plan-run.ts';
import type { LoadedScorers, RunDeps } from './run-deps.ts';

/**
 * The plan of an attempt that scores the rejects of `before` again: made of the job and the inputs as they are now, in the batches
 * of before.
 *
 * Errors: RUN_OTHER_DEFINITION when features changed in a way that would change rows that were scored; those of `planRun`.
 */
export async function planReplay(
  job: Job,
  slot: Slot,
  attempt: number,
  before: Plan,
  scorers: LoadedScorers,
  deps: RunDeps,
): Promise<Plan> {
  // All rows of the slot are as of one time: expressions may ask for it, and kept rows were computed with it.
  const plan = await planRun(job, slot, attempt, before.scoredAt, scorers, deps, before);
  if (!keepsScoredRows(before.binding, plan.binding)) throw refusedMend(before, ['features']);
  return { ...plan, replayOf: before.runId };
}

/**
 * Whether rows that were scored under one binding would be scored the same under another. Null policies may change where a
 * null rejected its row: no row that was scored has one there.
 */
export function keepsScoredRows(before: Binding, after: Binding): boolean {
  return digestOf(comparable(before, before)) === digestOf(comparable(after, before));
}

/** The error of a mend that is more than one. */
export function refusedMend(before: Plan, fields: readonly string[]): PrescoreError {
  return new PrescoreError('RUN_OTHER_DEFINITION', {
    what: `a replay keeps the rows that ${before.runId} scored, and this would change them: ${fields.join(', ')}`,
    where: before.outputUri,
    expected: 'another null policy where nulls rejected their rows, rewritten input files, or another rejects.limit',
    got: `other ${fields.join(', ')}`,
    fix: 'Score every row again: prescore run JOB --new-run.',
    data: { fields },
  });
}

function comparable({ inputs, outputs, fixedBatch, lengths }: Binding, before: Binding): unknown {
  const strict = new Set(before.inputs.filter((i) => isSource(i) && i.nulls === 'reject').map((i) => i.tensor));
  const byTensor = inputs.map((input): [string, unknown] => [
    input.tensor,
    strict.has(input.tensor) ? { ...input, nulls: 'reject' } : input,
  ]);
  return { inputs: Object.fromEntries(byTensor), outputs, fixedBatch, lengths };
}
