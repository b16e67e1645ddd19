import type { ErrorDetails } from '../../base/errors/prescore-error.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { quoteText } from './duckdb.ts';

/** What stands in DuckDB's message in front of where a value does not fit. */
const MARK = 'prescore: does not fit: ';

/** Between what is told of the column and the file; no JSON has it. */
const URI = '\t';

/**
 * What must hold of a timestamp of another unit, by the type that it becomes. DuckDB's infinities are plain numbers in a file: the same
 * number of another unit is another instant.
 */
const FITS: Readonly<Record<string, (value: string) => string>> = {
  // epoch_us gives null for infinities.
  TIMESTAMP_NS: (value) => `epoch_us(${value}) between -9223372036854775 and 9223372036854775`,
  TIMESTAMP: (value) => `isfinite(${value})`,
  TIMESTAMP_MS: (value) => `isfinite(${value})`,
};

/**
 * SQL for a value of one file as the type that its column has over all files; fails where it does not fit, which `castFault` explains.
 * All other casts to a joined type hold every value. `column`, and `uri` as SQL: for the message.
 */
export function widenedCast(value: string, type: string, column: string, uri: string): string {
  const fault = `${quoteText(`${MARK}${JSON.stringify({ column, type })}${URI}`)} || ${uri}`;
  return castOf(value, type, fault, 0) ?? `${value}::${type}`;
}

/** Null where nothing need be checked. */
function castOf(value: string, type: string, fault: string, depth: number): string | null {
  const fits = FITS[type];
  if (fits !== undefined) {
    // The type of a column is known when the query is planned: without another unit nothing of this is left.
    // Lists of nothing but nulls have elements of another type, which no function here takes.
    const typed = `${value}::TIMESTAMP`;
    return `case when typeof(${value}) = '${type}' or ${value} is null or ${fits(typed)} then ${value}::${type} else error(${fault}) end`;
  }
  const element = /^(.+)\[\d*\]$/.exec(type)?.[1];
  const inner = element === undefined ? null : castOf(`e${depth}`, element, fault, depth + 1);
  return inner === null ? null : `list_transform(${value}, lambda e${depth}: ${inner})`;
}

/** What `widenedCast` failed for, as INPUT_SCHEMA with file and column; null for any other error. */
export function castFault(error: unknown): PrescoreError | null {
  const text = error instanceof Error ? error.message : '';
  const at = text.indexOf(MARK);
  if (at < 0) return null;
  const [told = '', uri = ''] = text
    .slice(at + MARK.length)
    .split('\n')[0]!
    .split(URI);
  const { column, type } = JSON.parse(told) as Record<string, string>;
  const range = type!.includes('_NS') ? ', which hold the years 1678 to 2261' : '';
  const details: ErrorDetails = {
    what: `column ${JSON.stringify(column)} has a timestamp that does not fit the unit of the column in another file`,
    where: uri,
    expected: `${type}${range}`,
    got: 'an infinity, or an instant outside of that',
    fix: 'Write the column with one unit in all files.',
    cause: error,
  };
  return new PrescoreError('INPUT_SCHEMA', details);
}
