import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { slotOfRunId } from '../../job/slots/slot-of-run.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { isSuperseded } from '../ledger/run-order.ts';
import { chainOf, findCommitted, latestAttempt } from './decide-slot.ts';
import type { RunOptions } from './run-deps.ts';
import { isByLabel, isSameRef, modelOfPlan, settleJob } from './settle-job.ts';

type SlotOptions = Pick<RunOptions, 'isNewRun' | 'isForced' | 'shard' | 'replayOf'>;

/**
 * The job of one slot, its model settled: the one that an unfinished run of the slot began with under the same label, else what the
 * reference names now, as `now` says. The one place where a label is followed; whoever plans slots asks here for each of them.
 *
 * Errors: those of `settleJob` and `modelOfPlan`.
 */
export async function jobOfSlot(
  written: WrittenJob,
  slot: Slot,
  options: SlotOptions,
  stores: StoreResolver,
  now: () => Promise<Job> = () => settleJob(written, stores),
): Promise<Job> {
  if (!isByLabel(written)) return now();
  const plan = await planToKeep(written, slot, options, stores);
  if (plan === null || !isSameRef(plan.job.model, written.model)) return now();
  return { ...written, model: await modelOfPlan(plan.job.model, plan.runId, stores) };
}

/**
 * Does a task with the job of a slot. Where somebody else planned the slot meanwhile, and the label moved just then, it is done once
 * more, with what they planned.
 */
export async function withJobOfSlot<T>(settle: () => Promise<Job>, task: (job: Job) => Promise<T>): Promise<T> {
  const job = await settle();
  try {
    return await task(job);
  } catch (error) {
    if (job.model.ref === undefined || !isPrescoreError(error) || error.code !== 'RUN_INCOMPATIBLE') throw error;
    const again = await settle();
    if (again.model.sha256 === job.model.sha256) throw error;
    return await task(again);
  }
}

// A replay keeps rows of the run that it replays, committed or not; else only what is begun and open holds to its model.
async function planToKeep(
  job: WrittenJob,
  slot: Slot,
  { isNewRun, isForced, shard, replayOf }: SlotOptions,
  stores: StoreResolver,
): Promise<Plan | null> {
  if (isNewRun) return null;
  const records = new RecordStore(stores, job.state);
  const named = shard?.runId ?? null;
  const ledger = named === null ? null : new RunLedger(records, formatRunId(slot, slotOfRunId(job, named).attempt));
  const plan = ledger === null ? ((await latestAttempt(records, slot))?.plan ?? null) : await ledger.readPlan();
  if (plan === null || replayOf !== undefined) return plan;
  const chain = chainOf(job, slot.partition, records, { stores });
  const attempt = { plan, ledger: ledger ?? new RunLedger(records, plan.runId) };
  if ((await findCommitted(attempt, chain)) !== null) return null;
  return !isForced && isSuperseded(plan, await chain.current()) ? null : plan;
}
