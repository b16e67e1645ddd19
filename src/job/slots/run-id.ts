import { createHash } from 'node:crypto';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { parseInstant } from '../values/instant.ts';
import { NAME_PATTERN } from '../values/text-rules.ts';

/** What a run is a try of: one job, one partition, one logical time. */
export interface Slot {
  readonly job: string;
  readonly partition: string | null;
  /** ISO, UTC, whole seconds; null when the slot has no time. */
  readonly logicalTime: string | null;
}

/** The parts of a run id. The partition is there only as a digest. */
export interface RunIdParts {
  readonly job: string;
  /** First 8 hexadecimal digits of the sha256 of the partition; of the empty text when there is none. */
  readonly partitionHash: string;
  /** `YYYYMMDDTHHMMSSZ`, or null. */
  readonly time: string | null;
  /** From 1. */
  readonly attempt: number;
}

const MAX_ATTEMPT = 999_999;
const RUN_ID = /^(?<job>.+)\.(?<hash>[0-9a-f]{8})\.(?<time>[0-9]{8}T[0-9]{6}Z|none)\.(?<attempt>[1-9][0-9]{0,5})$/;

/**
 * The name of a slot: a run id without its attempt. It fits into paths, object keys and queue job ids as it is.
 *
 * Errors: USAGE when the job is no name or the logical time is no instant of whole seconds.
 */
export function formatSlotId({ job, partition, logicalTime }: Slot): string {
  if (!new RegExp(NAME_PATTERN).test(job)) throw wrong('the job name is not a name', job);
  return `${job}.${hashPartition(partition)}.${logicalTime === null ? 'none' : compactTime(logicalTime)}`;
}

/**
 * `<job>.<first 8 hex of sha256(partition)>.<YYYYMMDDTHHMMSSZ or none>.<attempt>`.
 *
 * Errors: USAGE, as `formatSlotId`, and for an attempt outside 1 to 999999.
 */
export function formatRunId(slot: Slot, attempt: number): string {
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > MAX_ATTEMPT)
    throw wrong('the attempt is out of range', String(attempt));
  return `${formatSlotId(slot)}.${attempt}`;
}

/**
 * Takes a run id apart. Only an exact one passes, so it can be used in a path without further care.
 *
 * Errors: USAGE for anything else.
 */
export function parseRunId(text: string): RunIdParts {
  // Longest possible: 64 + 1 + 8 + 1 + 16 + 1 + 6.
  const groups = text.length <= 97 ? RUN_ID.exec(text)?.groups : undefined;
  const { job = '', hash = '', time = '', attempt = '' } = groups ?? {};
  const isTimeReal = time === 'none' || parseInstant(expandTime(time)) !== null;
  if (!new RegExp(NAME_PATTERN).test(job) || !isTimeReal) throw wrong('this is not a run id', text);
  return { job, partitionHash: hash, time: time === 'none' ? null : time, attempt: Number(attempt) };
}

/** First 8 hexadecimal digits of the sha256 of a partition value. Errors: none. */
export function hashPartition(partition: string | null): string {
  return createHash('sha256')
    .update(partition ?? '')
    .digest('hex')
    .slice(0, 8);
}

function compactTime(iso: string): string {
  const ms = parseInstant(iso);
  if (ms === null) throw wrong('the logical time is not an instant of whole seconds', iso);
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function expandTime(time: string): string {
  return time.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z');
}

function wrong(what: string, got: string): PrescoreError {
  return new PrescoreError('USAGE', {
    what,
    expected: 'JOB.HASH.TIME.ATTEMPT, such as flight-delay.938db8c9.20130102T000000Z.1',
    got: JSON.stringify(got.slice(0, 100)),
  });
}
