import type { WrittenJob } from '../../base/contract/job.ts';
import { addUnits, latestEnded, listedPartitions, type Partition, startOfUnit } from '../../job/slots/partitions.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import type { SlotTimes } from './slot-times.ts';

/**
 * The runs that a slot means: one; one for each listed partition; or the latest partition that has ended by the clock of the
 * schedule's zone (hours are counted in UTC: a repeated local hour would name two). None before the first partition has ended.
 *
 * Units: milliseconds in. Errors: none.
 */
export function slotTargets(job: WrittenJob, times: SlotTimes, slot: number): Slot[] {
  const { partitions, schedule } = job;
  const time = `${new Date(slot).toISOString().slice(0, 19)}Z`;
  const target = (partition: Partition | null): Slot => ({
    job: job.name,
    partition: partition?.value ?? null,
    logicalTime: partition?.start ?? time,
  });
  if (partitions === null) return [target(null)];
  if (partitions.kind === 'values') return listedPartitions(partitions).map(target);
  const { every } = partitions;
  const unit = startOfUnit(every, every === 'hour' ? slot : times.localTime(slot));
  const latest = latestEnded(partitions, addUnits(every, unit, schedule?.offset ?? 0));
  return latest === null ? [] : [target(latest)];
}
