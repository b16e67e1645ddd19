import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { findPartition, latestEnded, listedPartitions, type Partition } from '../../job/slots/partitions.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { slotOfRunId } from '../../job/slots/slot-of-run.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';
import { runShard } from './run-shard.ts';
import { runSlot } from './run-slot.ts';

/** Runs of one job that go at the same time: small partitions do not fill all scorers by themselves. */
const RUNS_IN_FLIGHT = 4;

export type SlotOutcome =
  | { readonly kind: 'done'; readonly partition: string | null; readonly done: RunDone }
  | { readonly kind: 'failed'; readonly partition: string | null; readonly error: PrescoreError };

/**
 * Runs the slots that a call means: one partition, the latest ended one, or every listed one as a run of its own. Goes on
 * after a failure; outcomes come as they end.
 *
 * Errors: PARTITION_UNKNOWN at once; those of a slot are outcomes.
 */
export async function* runJob(
  job: Job,
  partition: string | null,
  options: RunOptions,
  deps: RunDeps,
): AsyncGenerator<SlotOutcome> {
  yield* runSlots(job, meantSlots(job, partition, options), options, deps);
}

/** Slots that a call means, by partition and time or by a run. Errors: PARTITION_UNKNOWN, USAGE. */
export function meantSlots(job: WrittenJob, partition: string | null, options: RunOptions): Slot[] {
  const runId = options.shard?.runId ?? options.replayOf ?? null;
  return runId === null ? slotsOf(job, partition, options.asOf) : [slotOfRunId(job, runId).slot];
}

/** Runs slots, some at a time; goes on after a failure. Errors: none, those of a slot are outcomes. */
export async function* runSlots(
  job: Job,
  slots: readonly Slot[],
  options: RunOptions,
  deps: RunDeps,
): AsyncGenerator<SlotOutcome> {
  const waiting = [...slots];
  const going = new Map<number, Promise<readonly [number, SlotOutcome]>>();
  let started = 0;
  while (waiting.length > 0 || going.size > 0) {
    while (waiting.length > 0 && going.size < RUNS_IN_FLIGHT && !deps.stop.aborted) {
      const id = started++;
      const slot = waiting.shift()!;
      going.set(
        id,
        runOne(job, slot, options, deps).then((outcome) => [id, outcome] as const),
      );
    }
    if (going.size === 0) return;
    const [id, outcome] = await Promise.race(going.values());
    going.delete(id);
    yield outcome;
  }
}

/** Slots that a call of `run` means, in order. Errors: PARTITION_UNKNOWN. */
export function slotsOf(job: WrittenJob, partition: string | null, asOf: string | null): Slot[] {
  const { partitions } = job;
  const slot = (p: Partition | null): Slot => ({
    job: job.name,
    partition: p?.value ?? null,
    logicalTime: p?.start ?? asOf,
  });
  if (partition !== null) return [slot(findPartition(job, partition))];
  if (partitions === null) return [slot(null)];
  if (partitions.kind === 'values') return listedPartitions(partitions).map(slot);
  if (asOf === null) {
    throw new PrescoreError('PARTITION_UNKNOWN', {
      what: 'a job with partitions.every needs --partition or --as-of',
      where: job.name,
    });
  }
  const latest = latestEnded(partitions, Date.parse(asOf));
  if (latest === null)
    throw new PrescoreError('PARTITION_UNKNOWN', {
      what: `no partition has ended at ${asOf}`,
      where: job.name,
      expected: `a time after ${partitions.start}`,
      got: asOf,
    });
  return [slot(latest)];
}

/** The exit code of a call: the first present of 70, 6, 5, 4, 2, 8, 7, 3, 0. */
export function worstExit(failures: readonly number[], done: readonly RunDone[]): number {
  const codes = new Set(failures);
  // Rejects are judged where they are committed, not by each shard of a run.
  if (done.some((d) => d.rejected > 0 && d.committed)) codes.add(3);
  for (const code of [70, 130, 6, 5, 4, 2, 8, 7, 3]) if (codes.has(code)) return code;
  return 0;
}

async function runOne(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<SlotOutcome> {
  try {
    const run = options.shard === undefined ? runSlot : runShard;
    const done = await run(job, slot, options, deps);
    deps.emit(done);
    return { kind: 'done', partition: slot.partition, done };
  } catch (error) {
    return { kind: 'failed', partition: slot.partition, error: toPrescoreError(error) };
  }
}
