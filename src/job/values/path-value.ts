/** What Hive, Spark, pyarrow, polars, DuckDB and Delta write for null, whatever the type. */
const NULL_NAME = '__HIVE_DEFAULT_PARTITION__';
/** What others write for it; a text column may hold these as texts. */
const NULL_WORDS: ReadonlySet<string> = new Set(['null', 'NULL', '\\N']);

const INTEGER_BITS: Readonly<Record<string, readonly [bits: number, isSigned: boolean]>> = {
  TINYINT: [8, true],
  SMALLINT: [16, true],
  INTEGER: [32, true],
  BIGINT: [64, true],
  UTINYINT: [8, false],
  USMALLINT: [16, false],
  UINTEGER: [32, false],
  UBIGINT: [64, false],
};

/**
 * A value in a path (`key=value`, decoded) as a text that DuckDB casts to `type` without a change; null for a null, undefined when
 * it is no value of the type. DuckDB's own casts are not asked: they round `2.7` to 3 and read `1_000` and `1e3` as integers.
 *
 * Errors: none.
 */
export function readPathValue(text: string, type: string): string | null | undefined {
  if (text === NULL_NAME) return null;
  if (type === 'VARCHAR') return text;
  if (NULL_WORDS.has(text)) return null;
  const integer = INTEGER_BITS[type];
  if (integer !== undefined) return readInteger(text, ...integer);
  switch (type) {
    case 'BOOLEAN':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() : undefined;
    case 'FLOAT':
    case 'DOUBLE':
      return readFloat(text, type);
    case 'DATE':
      return isDate(text) ? text : undefined;
    default:
      return undefined;
  }
}

function readInteger(text: string, bits: number, isSigned: boolean): string | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const value = BigInt(text);
  const most = 2n ** BigInt(isSigned ? bits - 1 : bits) - 1n;
  const least = isSigned ? -most - 1n : 0n;
  return value >= least && value <= most ? String(value) : undefined;
}

function readFloat(text: string, type: 'FLOAT' | 'DOUBLE'): string | undefined {
  if (!/^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(type === 'FLOAT' ? Math.fround(value) : value) ? text : undefined;
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
