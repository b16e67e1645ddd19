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

/** Types that others widen to, the preferred first; and what widens to each. */
const TARGETS: ReadonlyMap<string, ReadonlySet<string>> = targets();

/**
 * The type that holds the values of all these types without a change, or null. It follows from which types there are, not from their
 * order: a uint32 between an int32 and a double must not be a reason to go by int64, which no double holds.
 */
export function widen(types: readonly string[]): string | null {
  const [first, ...more] = new Set(types);
  if (first === undefined) return null;
  if (more.length === 0) return first;
  const all = [first, ...more];
  const elements = elementsOf(all);
  if (elements !== null) {
    const element = widen(elements);
    return element === null ? null : `${element}[]`;
  }
  const decimal = widenDecimals(all);
  if (decimal !== null) return decimal;
  for (const [target, from] of TARGETS) {
    if (all.every((type) => from.has(type))) return target;
  }
  return null;
}

/** The element type of a list; null for what is no list. */
export function elementOf(type: string): string | null {
  return /^(.+)\[\d*\]$/.exec(type)?.[1] ?? null;
}

/** The element types of lists; null unless all are lists. */
function elementsOf(types: readonly string[]): string[] | null {
  const elements = types.flatMap((type) => elementOf(type) ?? []);
  return elements.length === types.length ? elements : null;
}

function targets(): Map<string, ReadonlySet<string>> {
  const all = [...new Set(WIDENINGS.flat())];
  const widens = (from: string, to: string): boolean =>
    from === to || WIDENINGS.some((row) => row.includes(from) && row.indexOf(to) > row.indexOf(from));
  const found = new Map(all.map((to) => [to, new Set(all.filter((from) => widens(from, to)))]));
  // The narrowest first; of as narrow ones the one that stands first above.
  return new Map([...found].sort(([, a], [, b]) => a.size - b.size));
}

function widenDecimals(types: readonly string[]): string | null {
  const decimals = types.flatMap((type) => decimalOf(type) ?? []);
  if (decimals.length !== types.length) return null;
  const scale = Math.max(...decimals.map((d) => d.scale));
  const width = scale + Math.max(...decimals.map((d) => d.width - d.scale));
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
 * A type for a feature that has all these types: its files are packed by their own types, so all that matters is that a value means the
 * same in each (days since 1970 are no microseconds). Null when it does not. As with `widen`, their order has no say.
 */
export function joinFeature(types: readonly string[]): string | null {
  const all = [...new Set(types)].sort();
  const [first] = all;
  if (first === undefined) return null;
  const elements = elementsOf(all);
  if (elements !== null) {
    const element = joinFeature(elements);
    return element === null ? null : `${element}[]`;
  }
  const meaning = meaningOf(first);
  if (all.some((type) => meaningOf(type) !== meaning)) return null;
  return widen(all) ?? (meaning === 'a number' ? 'DOUBLE' : meaning === 'a text' ? 'VARCHAR' : first);
}

/** What a value of the type means, for people. */
export function meaningOf(type: string): string {
  const element = elementOf(type);
  if (element !== null) return `a list, each element ${meaningOf(element)}`;
  return MEANINGS.find(([pattern]) => pattern.test(type))?.[1] ?? type;
}
