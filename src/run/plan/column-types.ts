/**
 * How the types of one column over many files go together. Types are in DuckDB's spelling.
 */

// Each type may widen to those that follow it in its row: no value changes.
// Not beyond BIGINT and UBIGINT: DuckDB writes wider integers into Parquet as DOUBLE.
const WIDENINGS: readonly (readonly string[])[] = [
  ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'],
  ['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'],
  ['UTINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'],
  ['USMALLINT', 'INTEGER', 'BIGINT'],
  ['UINTEGER', 'BIGINT'],
  ['TINYINT', 'SMALLINT', 'INTEGER', 'DOUBLE'],
  ['UTINYINT', 'USMALLINT', 'UINTEGER', 'DOUBLE'],
  ['FLOAT', 'DOUBLE'],
  // An instant beyond the year 2262 does not fit nanoseconds: that is an error of the run, not another value.
  ['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP', 'TIMESTAMP_NS'],
];
const MOST_DIGITS = 38;

/** The type that holds the values of both without a change, or null. */
export function widen(a: string, b: string): string | null {
  if (a === b) return a;
  const [x, y] = [elementOf(a), elementOf(b)];
  if (x !== null && y !== null) {
    const element = widen(x, y);
    return element === null ? null : `${element}[]`;
  }
  const decimal = widenDecimals(a, b);
  if (decimal !== null) return decimal;
  for (const row of WIDENINGS) {
    const [i, j] = [row.indexOf(a), row.indexOf(b)];
    if (i >= 0 && j >= 0) return row[Math.max(i, j)]!;
  }
  for (const row of WIDENINGS) {
    const common = row.find((t) => reaches(a, t) && reaches(b, t));
    if (common !== undefined) return common;
  }
  return null;
}

/** The element type of a list; null for what is no list. */
export function elementOf(type: string): string | null {
  return /^(.+)\[\d*\]$/.exec(type)?.[1] ?? null;
}

function reaches(from: string, to: string): boolean {
  return from === to || WIDENINGS.some((row) => row.includes(from) && row.indexOf(to) > row.indexOf(from));
}

function widenDecimals(a: string, b: string): string | null {
  const [x, y] = [decimalOf(a), decimalOf(b)];
  if (x === null || y === null) return null;
  const scale = Math.max(x.scale, y.scale);
  const width = scale + Math.max(x.width - x.scale, y.width - y.scale);
  return width > MOST_DIGITS ? null : `DECIMAL(${width},${scale})`;
}

function decimalOf(type: string): { readonly width: number; readonly scale: number } | null {
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  return match === null ? null : { width: Number(match[1]), scale: Number(match[2]) };
}

/** What the number that a feature is packed as means, by type; anything else is a plain number or a text. */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/^DATE$/, 'a date'],
  [/^TIME(_NS)?$/, 'a time of day'],
  [/^TIMESTAMP(_S|_MS|_NS)?$/, 'a timestamp without zone'],
  [/^TIMESTAMP WITH TIME ZONE$/, 'an instant'],
  [/^(VARCHAR|JSON|UUID|ENUM\(.*)$/, 'a text'],
  [/^(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*)$/, 'a number'],
];

/**
 * A type for a feature that has both types: its files are packed by their own types, so all that matters is that a value means the
 * same in each (days since 1970 are no microseconds). Null when it does not.
 */
export function joinFeature(a: string, b: string): string | null {
  const [x, y] = [elementOf(a), elementOf(b)];
  if (x !== null && y !== null) {
    const element = joinFeature(x, y);
    return element === null ? null : `${element}[]`;
  }
  const meaning = meaningOf(a);
  if (meaning !== meaningOf(b)) return null;
  return widen(a, b) ?? (meaning === 'a number' ? 'DOUBLE' : meaning === 'a text' ? 'VARCHAR' : a);
}

/** What a value of the type means, for people. */
export function meaningOf(type: string): string {
  const element = elementOf(type);
  if (element !== null) return `a list, each element ${meaningOf(element)}`;
  return MEANINGS.find(([pattern]) => pattern.test(type))?.[1] ?? type;
}
