import type { WrittenJob } from '../../base/contract/job.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import {
  addUnits,
  enumeratePartitions,
  findPartition,
  firstStart,
  listedPartitions,
  type Partition,
  startOfUnit,
} from '../../job/slots/partitions.ts';
import { parseInstant } from '../../job/values/instant.ts';

/** What a person asked for: a range with both ends in it, or values. */
export interface Selection {
  readonly from: string | null;
  readonly to: string | null;
  readonly partitions: readonly string[] | null;
}

export interface Selected {
  /** In order of time, or of the job file; each one once. */
  readonly partitions: readonly Partition[];
  /** Partitions of the range that have not ended yet and were left out. */
  readonly notEnded: number;
}

/**
 * The partitions that a selection means. `from` and `to` are partitions, or instants within one. Pure.
 *
 * Errors: USAGE for a job without partitions, an empty range or no selection; PARTITION_UNKNOWN.
 */
export function selectPartitions(job: WrittenJob, selection: Selection, nowMs: number): Selected {
  const { from, to, partitions } = selection;
  if (job.partitions === null) {
    throw new PrescoreError('USAGE', {
      what: 'a backfill needs a job with partitions',
      where: job.name,
      expected: 'partitions: { every: day, … } or { values: […] } in the job file',
      fix: 'Use prescore run for a job without partitions.',
    });
  }
  if (partitions !== null) {
    if (from !== null || to !== null) throw usage('--partitions excludes --from and --to');
    return named(job, partitions);
  }
  if (from === null && to === null) throw usage('give --from and --to, or --partitions');
  return job.partitions.kind === 'values' ? listedRange(job, from, to) : timedRange(job, from, to, nowMs);
}

// A value may hold a comma itself: a text that is one partition as a whole is not cut.
function named(job: WrittenJob, texts: readonly string[]): Selected {
  const chosen = new Map<string, Partition>();
  for (const text of texts) {
    const values = isKnown(job, text) ? [text] : text.split(',').filter((value) => value !== '');
    for (const value of values) chosen.set(value, findPartition(job, value));
  }
  if (chosen.size === 0) throw usage('--partitions names none');
  const order = listedPartitions(job.partitions!).map((p) => p.value);
  const place = new Map(order.map((value, i) => [value, i]));
  const partitions = [...chosen.values()].sort((a, b) =>
    a.start === null || b.start === null
      ? (place.get(a.value) ?? 0) - (place.get(b.value) ?? 0)
      : Date.parse(a.start) - Date.parse(b.start),
  );
  return { partitions, notEnded: 0 };
}

function listedRange(job: WrittenJob, from: string | null, to: string | null): Selected {
  const all = listedPartitions(job.partitions!);
  const at = (value: string): number => {
    findPartition(job, value);
    return all.findIndex((p) => p.value === value);
  };
  const [first, last] = [from === null ? 0 : at(from), to === null ? all.length - 1 : at(to)];
  if (first > last) throw emptyRange(from, to);
  return { partitions: all.slice(first, last + 1), notEnded: 0 };
}

function timedRange(job: WrittenJob, from: string | null, to: string | null, nowMs: number): Selected {
  const partitions = job.partitions!;
  if (partitions.kind !== 'every') return { partitions: [], notEnded: 0 };
  const { every } = partitions;
  const first = from === null ? firstStart(partitions) : startOf(job, from);
  const last = to === null ? startOfUnit(every, nowMs) : startOf(job, to);
  if (first > last) throw emptyRange(from, to);
  const all = [...enumeratePartitions(partitions, first, addUnits(every, last, 1))];
  const ended = all.filter((p) => addUnits(every, Date.parse(p.start ?? ''), 1) <= nowMs);
  // Without --to the range ends with what has ended, as `run --as-of` does.
  const notEnded = to === null ? 0 : all.length - ended.length;
  if (ended.length === 0) throw emptyRange(from, to);
  return { partitions: ended, notEnded };
}

// A partition as the job writes it, or an instant within one.
function startOf(job: WrittenJob, text: string): number {
  const { partitions } = job;
  if (isKnown(job, text)) return Date.parse(findPartition(job, text).start ?? '');
  const ms = parseInstant(text);
  if (ms === null || partitions?.kind !== 'every') return Date.parse(findPartition(job, text).start ?? '');
  return startOfUnit(partitions.every, ms);
}

function isKnown(job: WrittenJob, value: string): boolean {
  try {
    findPartition(job, value);
    return true;
  } catch {
    // PARTITION_UNKNOWN is the answer.
    return false;
  }
}

function emptyRange(from: string | null, to: string | null): PrescoreError {
  const got = `--from ${from ?? '(first)'} --to ${to ?? '(last)'}`;
  return new PrescoreError('USAGE', { what: 'no partition of the job has ended in this range', got });
}

function usage(what: string): PrescoreError {
  return new PrescoreError('USAGE', { what });
}
