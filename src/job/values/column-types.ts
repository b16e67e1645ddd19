/**
 * Type words of the job file and DuckDB's spelling of the same type. They are mapped once, here, because DuckDB itself
 * reads `int8` as eight bytes.
 */
export const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  bool: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
};

const MAX_DECIMAL_WIDTH = 38;

/** DuckDB's spelling of `int32`, `decimal(18,3)`, `float[]`; null when the text is no type of the job file. */
export function duckdbType(text: string): string | null {
  if (text.endsWith('[]')) {
    const element = duckdbType(text.slice(0, -2));
    return element === null || element.endsWith('[]') ? null : `${element}[]`;
  }
  const decimal = /^decimal\(([1-9][0-9]?), ?(0|[1-9][0-9]?)\)$/.exec(text);
  if (decimal !== null) {
    const [width, scale] = [Number(decimal[1]), Number(decimal[2])];
    return width <= MAX_DECIMAL_WIDTH && scale <= width ? `DECIMAL(${width},${scale})` : null;
  }
  return Object.hasOwn(DUCKDB_TYPES, text) ? (DUCKDB_TYPES[text] ?? null) : null;
}
