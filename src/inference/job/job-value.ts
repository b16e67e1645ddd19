import { type BadValue, bad, type CarrierValue } from './job-carrier.ts';
import { readDecimal, readWide } from './job-decimal.ts';
import { readDate, readTime, readTimestamp } from './job-times.ts';

/**
 * Reads values of one column type as the decode query of a batch would have given them: the value of the column, cast to
 * its carrier. Neither is called with null.
 */
export interface ValueReader {
  /** A value as JSON gives it. */
  json(value: unknown): CarrierValue | BadValue;
  /** A text of a hash. */
  text(text: string): CarrierValue | BadValue;
  /** Whether an empty text of a hash is a text; else it is null. */
  readonly keepsEmpty: boolean;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;
const TRUE: ReadonlySet<string> = new Set(['true', 't', '1', 'yes', 'y']);
const FALSE: ReadonlySet<string> = new Set(['false', 'f', '0', 'no', 'n']);

/** The reader of a scalar type of `sourceKind`; null for a type that it does not know. */
export function valueReader(type: string): ValueReader | null {
  if (type === 'FLOAT') return floats(Math.fround, bad('expected a number that a FLOAT holds'));
  if (type === 'DOUBLE') return floats((value) => value, bad('expected a number that a DOUBLE holds'));
  if (type === 'BOOLEAN') return BOOLEANS;
  const bounds = Object.hasOwn(SMALL, type) ? SMALL[type] : undefined;
  if (bounds !== undefined)
    return smallIntegers(bounds, bad(`expected a whole number from ${bounds[0]} to ${bounds[1]}`));
  const wide = readWide(type);
  if (wide !== null) return both(wide);
  if (type.startsWith('DECIMAL(')) return both(readDecimal(type));
  if (type === 'DATE') return both(readDate);
  if (type === 'TIME') return both(readTime);
  if (type.startsWith('TIMESTAMP')) return both(readTimestamp(type));
  return texts(type);
}

const SMALL: Readonly<Record<string, readonly [number, number]>> = {
  TINYINT: [-128, 127],
  SMALLINT: [-32768, 32767],
  INTEGER: [-2147483648, 2147483647],
  UTINYINT: [0, 255],
  USMALLINT: [0, 65535],
  UINTEGER: [0, 4294967295],
};

// A column holds what it can hold: a finite number that would become infinite never got into one.
function floats(round: (value: number) => number, problem: BadValue): ValueReader {
  const json = (value: unknown): number | BadValue => {
    if (typeof value !== 'number') return problem;
    const rounded = round(value);
    return rounded - rounded === 0 ? rounded : problem;
  };
  const text = (given: string): number | BadValue => {
    const trimmed = given.trim();
    if (NUMBER.test(trimmed)) return json(Number(trimmed));
    const special = NOT_FINITE.exec(trimmed);
    if (special === null) return problem;
    if (special[2] !== undefined) return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  };
  return { json, text, keepsEmpty: false };
}

function smallIntegers([low, high]: readonly [number, number], problem: BadValue): ValueReader {
  const json = (value: unknown): number | BadValue =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high ? value : problem;
  const text = (given: string): number | BadValue => {
    const trimmed = given.trim();
    return NUMBER.test(trimmed) ? json(Number(trimmed)) : problem;
  };
  return { json, text, keepsEmpty: false };
}

const NO_BOOLEAN = bad('expected true or false');
const BOOLEANS: ValueReader = {
  json: (value) => (typeof value === 'boolean' ? Number(value) : NO_BOOLEAN),
  text: (given) => {
    const word = given.trim().toLowerCase();
    if (TRUE.has(word)) return 1;
    return FALSE.has(word) ? 0 : NO_BOOLEAN;
  },
  keepsEmpty: false,
};

// Types that may be texts in JSON too are read the same way from a hash.
function both(read: (value: unknown) => CarrierValue | BadValue): ValueReader {
  return { json: read, text: (given) => read(given.trim()), keepsEmpty: false };
}

const UUID = /^\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/;

function texts(type: string): ValueReader | null {
  if (type === 'VARCHAR' || type.startsWith('ENUM(')) return textReader((text) => text, 'expected a text', true);
  if (type === 'JSON') return textReader((text) => (isJson(text) ? text : null), 'expected a text that is JSON', false);
  if (type !== 'UUID') return null;
  const canonical = (text: string): string | null => UUID.exec(text.toLowerCase())?.slice(1).join('-') ?? null;
  return textReader(canonical, 'expected a UUID as text', false);
}

function textReader(read: (text: string) => string | null, expected: string, keepsEmpty: boolean): ValueReader {
  const problem = bad(expected);
  const json = (value: unknown): string | BadValue => {
    if (typeof value !== 'string') return problem;
    if (!value.isWellFormed()) return ILL_FORMED;
    return read(value) ?? problem;
  };
  return { json, text: json, keepsEmpty };
}

// What the reader of a file says of such bytes.
const ILL_FORMED = bad('a text is not valid UTF-8', 'bad_utf8');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
