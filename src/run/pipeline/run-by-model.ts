import type { Job, WrittenJob } from '../../base/contract/job.ts';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import { together } from '../../base/lanes/together.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { jobOfSlot } from './job-of-slot.ts';
import type { LoadedScorers, RunDeps, RunOptions } from './run-deps.ts';
import { meantSlots, runSlots, type SlotOutcome } from './run-job.ts';
import { isByLabel, settleJob } from './settle-job.ts';

/** Slots whose records are looked at together, to see what they began with. */
const LOOKS = { most: 16, mostWeight: Number.POSITIVE_INFINITY };

export interface ByModelDeps extends Omit<RunDeps, 'scorers'> {
  /** Scorers of the job's model. No slot is in work with those of another model when it is asked. */
  readonly scorersOf: (job: Job) => Promise<LoadedScorers>;
}

/**
 * Runs the slots that a call means, each with the model that is settled for it: one version for all of the call, but for those that
 * are unfinished with another one. Slots of one model go together, one model after the other.
 *
 * Errors: those of `meantSlots` at once; those of a slot are outcomes.
 */
export async function* runByModel(
  written: WrittenJob,
  partition: string | null,
  options: RunOptions,
  deps: ByModelDeps,
): AsyncGenerator<SlotOutcome> {
  let now: Promise<Job> | null = null;
  const settleOnce = (): Promise<Job> => (now ??= settleJob(written, deps.stores));
  let waiting = meantSlots(written, partition, options);
  for (let round = 1; waiting.length > 0; round++) {
    const settled = await together(
      waiting,
      LOOKS,
      () => 1,
      (slot) => settleSlot(written, slot, options, deps, settleOnce),
    );
    waiting = [];
    for (const one of settled) if ('error' in one) yield failedSlot(one);
    for (const { job, slots } of byModel(settled)) {
      const own = { ...deps, scorers: () => deps.scorersOf(job) };
      for await (const outcome of runSlots(job, slots, options, own)) {
        // Somebody planned it between the look and its turn: once more, with what they began with.
        const slot = round === 1 && isOvertaken(outcome, written) ? slotOf(slots, outcome) : undefined;
        if (slot === undefined) yield outcome;
        else waiting.push(slot);
      }
    }
  }
}

type Settled = { readonly slot: Slot } & ({ readonly job: Job } | { readonly error: unknown });

async function settleSlot(
  written: WrittenJob,
  slot: Slot,
  options: RunOptions,
  { stores }: ByModelDeps,
  now: () => Promise<Job>,
): Promise<Settled> {
  try {
    return { slot, job: await jobOfSlot(written, slot, options, stores, now) };
  } catch (error) {
    return { slot, error };
  }
}

function byModel(settled: readonly Settled[]): { readonly job: Job; readonly slots: readonly Slot[] }[] {
  const groups = new Map<string, { readonly job: Job; readonly slots: Slot[] }>();
  for (const one of settled) {
    if ('error' in one) continue;
    const key = JSON.stringify(one.job.model);
    const group = groups.get(key) ?? { job: one.job, slots: [] };
    groups.set(key, group);
    group.slots.push(one.slot);
  }
  return [...groups.values()];
}

function failedSlot({ slot, error }: Extract<Settled, { readonly error: unknown }>): SlotOutcome {
  return { kind: 'failed', partition: slot.partition, error: toPrescoreError(error) };
}

function isOvertaken(outcome: SlotOutcome, written: WrittenJob): boolean {
  return outcome.kind === 'failed' && outcome.error.code === 'RUN_INCOMPATIBLE' && isByLabel(written);
}

function slotOf(slots: readonly Slot[], { partition }: SlotOutcome): Slot | undefined {
  return slots.find((slot) => slot.partition === partition);
}
