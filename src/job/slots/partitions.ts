import type { JobPartitions, WrittenJob } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { formatInstant, parseInstant } from '../values/instant.ts';
import { formatTime, parseTime } from '../values/time-format.ts';

type TimedPartitions = Extract<JobPartitions, { readonly kind: 'every' }>;

/** One partition of a job. */
export interface Partition {
  /** What stands for `{partition}`. */
  readonly value: string;
  /** The start of a timed partition (ISO, UTC), which is its logical time; null for a listed one. */
  readonly start: string | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The start of the hour, day or month that holds an instant. Units: milliseconds since the epoch, UTC. */
export function startOfUnit(every: TimedPartitions['every'], ms: number): number {
  if (every === 'month') return Date.UTC(new Date(ms).getUTCFullYear(), new Date(ms).getUTCMonth());
  const length = every === 'hour' ? HOUR_MS : DAY_MS;
  return Math.floor(ms / length) * length;
}

/** The start of the unit `count` units later (earlier when negative). Units: milliseconds since the epoch, UTC. */
export function addUnits(every: TimedPartitions['every'], startMs: number, count: number): number {
  if (every !== 'month') return startMs + count * (every === 'hour' ? HOUR_MS : DAY_MS);
  return Date.UTC(new Date(startMs).getUTCFullYear(), new Date(startMs).getUTCMonth() + count);
}

/**
 * The latest partition that has ended at an instant: at 02:00 on the 22nd, the day of the 21st. Null before the end of
 * the first one. Units: milliseconds since the epoch. Errors: none.
 */
export function latestEnded(partitions: TimedPartitions, atMs: number): Partition | null {
  const start = addUnits(partitions.every, startOfUnit(partitions.every, atMs), -1);
  return start < firstStart(partitions) ? null : timedPartition(partitions, start);
}

/**
 * Every timed partition that starts at or after `fromMs` and has ended at `toMs`, in order, none before the first.
 * Units: milliseconds since the epoch. Errors: none.
 */
export function* enumeratePartitions(partitions: TimedPartitions, fromMs: number, toMs: number): Generator<Partition> {
  const { every } = partitions;
  const from = Math.max(fromMs, firstStart(partitions));
  let start = startOfUnit(every, from);
  if (start < from) start = addUnits(every, start, 1);
  for (let end = addUnits(every, start, 1); end <= toMs; end = addUnits(every, start, 1)) {
    yield timedPartition(partitions, start);
    start = end;
  }
}

/**
 * The partition of a value that a user named. Repeat: safe.
 *
 * Errors: PARTITION_UNKNOWN when the job has no partitions, the value is not listed, does not come from the format, or
 * lies before the first partition.
 */
export function findPartition(job: WrittenJob, value: string): Partition {
  const { partitions } = job;
  if (partitions === null) throw unknown(job, value, 'no partition: the job has none');
  if (partitions.kind === 'values') {
    if (partitions.values.includes(value)) return { value, start: null };
    const shown = partitions.values.slice(0, 10).join(', ');
    throw unknown(job, value, `one of ${shown}${partitions.values.length > 10 ? ' …' : ''}`);
  }
  const start = parseTime(partitions.format, value);
  if (start === null || startOfUnit(partitions.every, start) !== start) {
    throw unknown(
      job,
      value,
      `the start of ${partitions.every === 'hour' ? 'an' : 'a'} ${partitions.every} as ${partitions.format}`,
    );
  }
  if (start < firstStart(partitions)) throw unknown(job, value, `${partitions.start} or later`);
  return timedPartition(partitions, start);
}

/** All partitions of a job that lists them, in the order of the file. Errors: none. */
export function listedPartitions(partitions: JobPartitions): readonly Partition[] {
  return partitions.kind === 'values' ? partitions.values.map((value) => ({ value, start: null })) : [];
}

/** The start of the first timed partition. Units: milliseconds since the epoch. */
export function firstStart(partitions: TimedPartitions): number {
  // The file was checked: the text is an instant.
  return parseInstant(partitions.start) ?? 0;
}

function timedPartition(partitions: TimedPartitions, startMs: number): Partition {
  return { value: formatTime(partitions.format, startMs), start: formatInstant(startMs) };
}

function unknown(job: WrittenJob, value: string, expected: string): PrescoreError {
  return new PrescoreError('PARTITION_UNKNOWN', {
    what: 'the job has no such partition',
    where: job.name,
    expected,
    got: JSON.stringify(value),
  });
}
