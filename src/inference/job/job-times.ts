import { type BadValue, bad } from './job-carrier.ts';

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/;
const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?$/;

const DAY_SECONDS = 86_400;
const MICROS = 1_000_000;
const NANOS = 1_000_000_000n;
const INT64_MAX = 2n ** 63n - 1n;

const NO_DATE = bad('expected a date as 2013-01-31, or days since 1970-01-01');
const NO_TIME = bad('expected a time as 23:59:59.999999, or microseconds since midnight');
const NO_INSTANT = bad('expected a time as 2013-01-31T23:59:59.999999Z, or microseconds since 1970-01-01 UTC');

/** Days since 1970-01-01. */
export function readDate(value: unknown): number | BadValue {
  const number = wholeNumber(value);
  if (number !== null) return Math.abs(number) < 2 ** 31 ? number : NO_DATE;
  const match = typeof value === 'string' ? DATE.exec(value) : null;
  return (match === null ? null : daysOf(match)) ?? NO_DATE;
}

/** Microseconds since midnight; further digits are cut off. */
export function readTime(value: unknown): number | BadValue {
  const number = wholeNumber(value);
  if (number !== null) return number >= 0 && number <= DAY_SECONDS * MICROS ? number : NO_TIME;
  const match = typeof value === 'string' ? TIME.exec(value) : null;
  const seconds = match === null ? null : secondsOf(match[1], match[2], match[3]);
  return seconds === null ? NO_TIME : seconds * MICROS + Number(digits(match?.[4], 6));
}

/**
 * Microseconds since 1970-01-01 UTC, as the decode query makes them of a column of this unit: digits that the column does not
 * hold are cut off, and nanoseconds go towards 1970.
 */
export function readTimestamp(type: string): (value: unknown) => number | bigint | BadValue {
  const kept = { TIMESTAMP_S: 0, TIMESTAMP_MS: 3, TIMESTAMP_NS: 9 }[type] ?? 6;
  return (value) => {
    const number = wholeNumber(value);
    if (number !== null) return keptMicros(number, kept);
    const match = typeof value === 'string' ? INSTANT.exec(value) : null;
    const seconds = match === null ? null : instantSeconds(match);
    if (match === null || seconds === null) return NO_INSTANT;
    if (kept === 9) return fromNanos(BigInt(seconds) * NANOS + BigInt(digits(match[7], 9)));
    const micros = Number(digits((match[7] ?? '').slice(0, kept), 6));
    const sum = seconds * MICROS + micros;
    return Number.isSafeInteger(sum) ? sum : BigInt(seconds) * BigInt(MICROS) + BigInt(micros);
  };
}

// A column of seconds or milliseconds holds no finer instant.
function keptMicros(micros: number, kept: number): number | BadValue {
  if (kept === 9 && Math.abs(micros) > Number(INT64_MAX / 1000n)) return NO_INSTANT;
  const step = kept >= 6 ? 1 : 10 ** (6 - kept);
  return Math.floor(micros / step) * step;
}

function fromNanos(nanos: bigint): number | bigint | BadValue {
  // The lowest value and its neighbour below the highest stand for what DuckDB calls null and infinite.
  if (nanos > INT64_MAX || nanos < -INT64_MAX) return NO_INSTANT;
  return Number(nanos / 1000n);
}

function instantSeconds(match: RegExpExecArray): number | null {
  const days = daysOf(match);
  const seconds = match[4] === undefined ? 0 : secondsOf(match[4], match[5], match[6] ?? '00');
  if (days === null || seconds === null) return null;
  const [sign, hours, minutes = '00'] = match.slice(9);
  if (sign === undefined) return days * DAY_SECONDS + seconds;
  const offset = Number(hours) * 3600 + Number(minutes) * 60;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  return days * DAY_SECONDS + seconds - (sign === '-' ? -offset : offset);
}

function daysOf(match: RegExpExecArray): number | null {
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return date.getTime() / (DAY_SECONDS * 1000);
}

function secondsOf(hour = '', minute = '', second = ''): number | null {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  return h > 23 || m > 59 || s > 59 ? null : h * 3600 + m * 60 + s;
}

function digits(fraction: string | undefined, count: number): string {
  return (fraction ?? '').padEnd(count, '0').slice(0, count);
}

// A hash has the number as its digits.
function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}
