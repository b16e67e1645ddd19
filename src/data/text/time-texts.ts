import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A point in time as a text gives it. */
export interface InstantText {
  /** Since 1970-01-01. */
  readonly days: number;
  /** Since midnight; below 0 or beyond a day where a zone says so. */
  readonly micros: number;
  readonly hasZone: boolean;
  /** Whether the text has a time of day at all. */
  readonly hasTime: boolean;
}

/** Reads a text; null when it is none of the form, or no day or time that exists. */
export type TimeReader = (text: string) => InstantText | null;

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?$/;

/** `2013-01-31`. */
export function readIsoDate(text: string): InstantText | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  return instant({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) });
}

/** `2013-01-31T23:59:59.999999Z`; a space for the T, no seconds, no zone, or no time of day at all. */
export function readIsoInstant(text: string): InstantText | null {
  const match = INSTANT.exec(text);
  if (match === null) return null;
  const number = (group: number): number => Number(match[group] ?? 0);
  const hasZone = match[8] !== undefined || match[9] !== undefined;
  const offset = number(10) * 60 + number(11);
  if (number(10) > 23 || number(11) > 59) return null;
  return instant({
    year: number(1),
    month: number(2),
    day: number(3),
    ...(match[4] === undefined ? {} : { hour: number(4), minute: number(5), second: number(6) }),
    fraction: match[7] ?? '',
    ...(hasZone ? { offsetMinutes: match[9] === '-' ? -offset : offset } : {}),
  });
}

/** What a format may ask for; digits of a fraction are a text. */
export interface TimeFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly second?: number;
  readonly fraction?: string;
  readonly offsetMinutes?: number;
}

/** The instant of calendar fields; null when there is no such day or time, or when microseconds do not hold it. */
export function instant(fields: TimeFields): InstantText | null {
  const { year, month, day, hour = 0, minute = 0, second = 0, fraction = '', offsetMinutes } = fields;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  if (/[1-9]/.test(fraction.slice(6))) return null;
  const seconds = (hour * 60 + minute - (offsetMinutes ?? 0)) * 60 + second;
  const micros = seconds * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return {
    days: daysSinceEpoch(year, month, day),
    micros,
    hasZone: offsetMinutes !== undefined,
    hasTime: fields.hour !== undefined,
  };
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Digits that a directive takes: all of the year, one or two of the others, as strptime does. */
const DIRECTIVES: Readonly<Record<string, { readonly field: keyof TimeFields; readonly pattern: string }>> = {
  Y: { field: 'year', pattern: '(\\d{4})' },
  m: { field: 'month', pattern: '(\\d{1,2})' },
  d: { field: 'day', pattern: '(\\d{1,2})' },
  H: { field: 'hour', pattern: '(\\d{1,2})' },
  M: { field: 'minute', pattern: '(\\d{1,2})' },
  S: { field: 'second', pattern: '(\\d{1,2})' },
  f: { field: 'fraction', pattern: '(\\d{1,6})' },
};

/**
 * The reader of a strptime format with %Y %m %d %H %M %S %f.
 *
 * Errors: INTERNAL for another directive; the job file was checked for them.
 */
export function timeFormat(format: string): { readonly text: string; readonly read: TimeReader } {
  const fields: (keyof TimeFields)[] = [];
  const pattern = format.replace(/%(.)|([^A-Za-z0-9])/gsu, (_, letter: string | undefined, other: string) => {
    if (letter === undefined) return `\\u{${other.codePointAt(0)!.toString(16)}}`;
    if (letter === '%') return '%';
    const directive = Object.hasOwn(DIRECTIVES, letter) ? DIRECTIVES[letter] : undefined;
    if (directive === undefined) throw new PrescoreError('INTERNAL', { what: `a format holds %${letter}` });
    fields.push(directive.field);
    return directive.pattern;
  });
  const expression = new RegExp(`^${pattern}$`, 'u');
  const read: TimeReader = (text) => {
    const match = expression.exec(text);
    if (match === null) return null;
    const found: Record<string, number | string> = {};
    for (const [i, field] of fields.entries()) {
      const digits = match[i + 1] ?? '';
      found[field] = field === 'fraction' ? digits : Number(digits);
    }
    return instant({ year: 0, month: 0, day: 0, ...found });
  };
  return { text: format, read };
}
