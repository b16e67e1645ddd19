import type { Plan } from '../../base/contract/plan.ts';
import type { Manifest, RunOrder } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What a run is ordered by, of a plan that exists or of one that is about to be made. */
export type Ordered = Pick<Plan, 'logicalTime' | 'createdAt' | 'attempt'>;

/** Negative when `a` is older than `b`: the slot decides, within a slot the time of planning. No slot is before every slot. */
export function compareOrder(a: RunOrder, b: RunOrder): number {
  return (
    compareText(a.logicalTime ?? '', b.logicalTime ?? '') ||
    compareText(a.createdAt, b.createdAt) ||
    a.attempt - b.attempt
  );
}

/**
 * The order of a run that is to follow a commit. A run without a time scores what is there now, so it is one more run of the
 * newest slot: later than that slot's own, and no slot of the same day or later is kept back by it.
 */
export function orderAfter(run: Ordered, current: Manifest | null): RunOrder {
  const { createdAt, attempt } = run;
  return { logicalTime: run.logicalTime ?? current?.order.logicalTime ?? null, createdAt, attempt };
}

/** Whether a newer run than this one is committed, so that it must not take its place. */
export function isSuperseded(run: Ordered, current: Manifest | null): boolean {
  return current !== null && compareOrder(current.order, orderAfter(run, current)) > 0;
}

/** Errors: SUPERSEDED when a newer run is committed: this one could only be scored in vain. */
export function refuseOlder(run: Ordered, current: Manifest | null): void {
  if (current !== null && isSuperseded(run, current)) throw superseded(run, current);
}

/** What a run is told whose output holds a newer one. */
export function superseded(run: Ordered, current: Manifest): PrescoreError {
  const isOtherSlot = orderAfter(run, current).logicalTime !== current.order.logicalTime;
  return new PrescoreError('SUPERSEDED', {
    what: `run ${current.runId}, committed at ${current.committedAt}, is newer`,
    where: current.outputUri,
    expected: isOtherSlot
      ? `the slot ${current.order.logicalTime} or a later one`
      : `a run planned after ${current.order.createdAt}`,
    got: isOtherSlot ? `the slot ${run.logicalTime}` : `one planned at ${run.createdAt}`,
    data: { current: current.runId },
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
