import type { WrittenJob } from '../../base/contract/job.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import type { LaunchOutcome, RunLauncher } from '../../base/contract/run-launcher.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Slot } from '../../job/slots/run-id.ts';

/** Runs of one slot that go at the same time. */
const IN_FLIGHT = 4;

/** What became of all runs of a slot. */
export interface SlotResult {
  readonly kind: 'ran' | 'waiting' | 'owned' | 'stopped' | 'superseded' | 'failed';
  readonly done: readonly RunDone[];
  readonly failures: readonly PrescoreError[];
  /** Why it waits. */
  readonly why: string | null;
}

/**
 * Launches every run that a slot means and says what became of them together. Those that are committed already answer so.
 *
 * Errors: none; those of the runs are in the result.
 */
export async function runSlotTargets(
  job: WrittenJob,
  targets: readonly Slot[],
  launcher: RunLauncher,
  stop: AbortSignal,
): Promise<SlotResult> {
  const outcomes: LaunchOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < targets.length && !stop.aborted) {
      const { partition, logicalTime } = targets[next++]!;
      const request = { job, partition, logicalTime, origin: 'schedule', isNewRun: false, isIfChanged: false } as const;
      outcomes.push(await launcher.launch(request, stop));
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, targets.length) }, lane));
  const done = outcomes.flatMap((o) => (o.kind === 'done' ? [o.done] : []));
  const failures = outcomes.flatMap((o) => (o.kind === 'failed' ? [o.error] : []));
  const why = outcomes.find((o) => o.kind === 'waiting')?.why ?? null;
  const has = (code: string): boolean => failures.some((f) => f.code === code);
  const real = failures.filter((f) => !['INTERRUPTED', 'RUN_CANCELLED', 'RUN_OWNED', 'SUPERSEDED'].includes(f.code));
  const isCut = done.length < targets.length && stop.aborted;
  if (has('INTERRUPTED') || has('RUN_CANCELLED') || isCut) return { kind: 'stopped', done, failures, why };
  if (real.length > 0) return { kind: 'failed', done, failures: real, why };
  if (has('RUN_OWNED')) return { kind: 'owned', done, failures, why };
  if (why !== null) return { kind: 'waiting', done, failures, why };
  return { kind: has('SUPERSEDED') && done.length === 0 ? 'superseded' : 'ran', done, failures, why };
}
