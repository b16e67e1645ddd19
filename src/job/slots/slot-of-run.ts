import type { WrittenJob } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { formatInstant, parseInstant } from '../values/instant.ts';
import { formatTime } from '../values/time-format.ts';
import { findPartition, listedPartitions } from './partitions.ts';
import { formatRunId, hashPartition, parseRunId, type Slot } from './run-id.ts';

/**
 * The slot and attempt that a run id of this job names; the partition is found by its digest.
 *
 * Errors: USAGE for no run id, one of another job, or one whose partition or time is not one of this job.
 */
export function slotOfRunId(job: WrittenJob, runId: string): { readonly slot: Slot; readonly attempt: number } {
  const { partitionHash, time, attempt } = parseRunId(runId);
  const ms = time === null ? null : parseInstant(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  for (const slot of candidates(job, ms)) {
    if (hashPartition(slot.partition) === partitionHash && formatRunId(slot, attempt) === runId)
      return { slot, attempt };
  }
  const expected = `a run of job ${job.name} and one of its partitions`;
  throw new PrescoreError('USAGE', {
    what: 'this run id is not one of this job',
    where: '--run-id',
    expected,
    got: runId,
  });
}

function candidates(job: WrittenJob, ms: number | null): Slot[] {
  const { partitions } = job;
  const whole = ms === null ? null : `${formatInstant(ms).slice(0, 19)}Z`;
  if (partitions === null) return [{ job: job.name, partition: null, logicalTime: whole }];
  if (partitions.kind === 'values') {
    return listedPartitions(partitions).map(({ value }) => ({ job: job.name, partition: value, logicalTime: whole }));
  }
  if (ms === null) return [];
  const value = formatTime(partitions.format, ms);
  try {
    return [{ job: job.name, partition: value, logicalTime: findPartition(job, value).start }];
  } catch {
    // Not the start of a partition of this job.
    return [];
  }
}
