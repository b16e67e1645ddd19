import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { differingFields, fingerprintsOf } from '../../job/slots/fingerprint.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { plannedRows } from '../ledger/planned-rows.ts';
import type { RunLedger } from '../ledger/run-ledger.ts';
import { changedInputs } from './changed-inputs.ts';
import { checkHost, warnOfDependence } from './exactness.ts';
import { planReplay } from './plan-replay.ts';
import { planRun } from './plan-run.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';
import { takeOver } from './take-over.ts';

/** A plan that this job may work on, and what is done of it. */
export interface PreparedRun {
  readonly plan: Plan;
  readonly isResumed: boolean;
  /** By chunk; null where there is no record. */
  readonly found: readonly (ChunkRecord | null)[];
}

/**
 * Makes the plan of an attempt, or takes up the one that is there; for the holder of the run's lease. Tells `planned`.
 * 'replan': it was planned with other settings and nothing of it is done, so the next attempt takes its place. With `replays` a new
 * plan is one that scores that plan's rejects again.
 *
 * Errors: RUN_INCOMPATIBLE, INPUT_CHANGED, INPUT_GONE, those of planning.
 */
export async function preparePlan(
  job: Job,
  slot: Slot,
  attempt: number,
  ledger: RunLedger,
  options: Pick<RunOptions, 'asOf'>,
  deps: RunDeps,
  replays: Plan | null = null,
): Promise<PreparedRun | 'replan'> {
  const existing = await ledger.readPlan();
  const scorers = await deps.scorers();
  const make = (): Promise<Plan> =>
    replays === null
      ? planRun(job, slot, attempt, options.asOf, scorers, deps)
      : planReplay(job, slot, attempt, replays, scorers, deps);
  const made = existing === null ? await make() : null;
  const plan = existing ?? (await ledger.createPlan(made!));
  const isMine = otherFields(job, plan, scorers.model.sha256, deps.versions) === null;
  if (plan.replayOf !== undefined && isMine) await takeOver(plan, plan.replayOf, ledger);
  // Of a plan that nobody has seen yet nothing is done: there are no records to ask for, one by one.
  const isUnseen = plan === made && plan.replayOf === undefined;
  const found = isUnseen ? plan.chunks.map(() => null) : await ledger.chunkRecords(plan.chunks.length);
  if (existing !== null) {
    const fields = otherFields(job, plan, scorers.model.sha256, deps.versions);
    if (fields !== null) {
      if (found.every((record) => record === null)) return 'replan';
      throw incompatible(plan, fields);
    }
    await changedInputs(plan, deps.stores);
    await checkHost(plan, scorers.model, deps);
  }
  warnOfDependence(plan.model.rowDependence, deps);
  tellPlanned(plan, existing !== null, found, deps);
  return { plan, isResumed: existing !== null, found };
}

/** Fields in which a job differs from the one that a plan was made for; null when the plan can be worked on. */
export function otherFields(
  job: Job,
  plan: Plan,
  modelSha256: string,
  versions: RunDeps['versions'],
): readonly string[] | null {
  // What a plan has found of its model stays, as its batch does.
  const policy = job.execution.exact === 'off' ? undefined : plan.exact?.policy;
  const asked = fingerprintsOf({ job, modelSha256, batchRows: resolvedBatch(job, plan), versions, policy });
  return asked.resume === plan.fingerprints.resume ? null : differingFields(plan.fingerprints, asked);
}

/** The error of an unfinished run that was planned with other settings. */
export function incompatible(plan: Plan, fields: readonly string[]): PrescoreError {
  return new PrescoreError('RUN_INCOMPATIBLE', {
    what: `unfinished run ${plan.runId} was planned with other ${fields.join(', ')}`,
    where: `${plan.state}/runs/${plan.runId}`,
  });
}

/** Tells what a run, or the share of one, is about to do. */
export function tellPlanned(
  plan: Plan,
  isResumed: boolean,
  found: readonly (ChunkRecord | null)[],
  deps: Pick<RunDeps, 'emit'>,
): void {
  deps.emit({
    event: 'planned',
    runId: plan.runId,
    partition: plan.partition,
    isResumed,
    files: plan.files.length,
    skipped: plan.skipped.length,
    chunks: plan.chunks.length,
    chunksDone: found.filter((r) => r !== null).length,
    rows: plannedRows(plan),
    rowsDone: found.reduce((sum, r) => sum + (r?.rowsIn ?? 0), 0),
  });
}

function resolvedBatch(job: Job, plan: Plan): number {
  return plan.binding.fixedBatch ?? (job.execution.batchRows === 'auto' ? plan.batchRows : job.execution.batchRows);
}
