import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { isSuperseded } from '../ledger/run-order.ts';
import { chainOf, findCommitted, latestAttempt } from './decide-slot.ts';
import { warnOfDependence } from './exactness.ts';
import { planRun } from './plan-run.ts';
import type { RunDeps } from './run-deps.ts';

/** What `run` would do for a slot. Nothing is written. */
export interface RunPreview {
  readonly plan: Plan;
  /** 'new': planned anew; 'resume': an unfinished one goes on; 'done': committed; 'superseded': a newer one is, so it is refused. */
  readonly action: 'new' | 'resume' | 'done' | 'superseded';
  readonly chunksDone: number;
  /** The run that is committed to this output now. */
  readonly current: string | null;
}

/** Errors: those of planning. Repeat: safe. */
export async function previewRun(job: Job, slot: Slot, asOf: string | null, deps: RunDeps): Promise<RunPreview> {
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  const committed = await chain.current();
  const current = committed?.runId ?? null;
  const latest = await latestAttempt(records, slot);
  const isDone = latest !== null && (await findCommitted(latest, chain)) !== null;
  if (latest !== null && (isDone || !isSuperseded(latest.plan, committed))) {
    const { plan, ledger } = latest;
    const done = await ledger.chunkRecords(plan.chunks.length);
    const chunksDone = done.filter((r) => r !== null).length;
    warnOfDependence(plan.model.rowDependence, deps);
    return { plan, action: isDone ? 'done' : 'resume', chunksDone, current };
  }
  const attempt = (latest?.plan.attempt ?? 0) + 1;
  const plan = await planRun(job, slot, attempt, asOf, await deps.scorers(), deps);
  warnOfDependence(plan.model.rowDependence, deps);
  return { plan, action: isSuperseded(plan, committed) ? 'superseded' : 'new', chunksDone: 0, current };
}
