import type { ScalarType, ValueType } from '../../base/contract/prediction-set.ts';

/** Integers of more than a byte are LEB128, signed ones in zigzag order: labels and counts take one byte instead of eight. */
export const SIGNED: ReadonlySet<ScalarType> = new Set<ScalarType>(['int16', 'int32', 'int64']);
export const UNSIGNED: ReadonlySet<ScalarType> = new Set<ScalarType>(['uint16', 'uint32', 'uint64']);

/** Bytes of a scalar in memory; 0 for texts. */
export const WIDTHS: Readonly<Record<ScalarType, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float32: 4,
  float64: 8,
  string: 0,
};

/** DuckDB's name of a column type -> the type of its values in a set. */
const FROM_DUCKDB: Readonly<Record<string, ScalarType>> = {
  BOOLEAN: 'bool',
  TINYINT: 'int8',
  SMALLINT: 'int16',
  INTEGER: 'int32',
  BIGINT: 'int64',
  UTINYINT: 'uint8',
  USMALLINT: 'uint16',
  UINTEGER: 'uint32',
  UBIGINT: 'uint64',
  FLOAT: 'float32',
  DOUBLE: 'float64',
  VARCHAR: 'string',
};

/** The type in a set of a column of the output; null when a set cannot hold it. */
export function valueTypeOf(duckdbType: string): ValueType | null {
  const isList = duckdbType.endsWith(']');
  const element = FROM_DUCKDB[isList ? duckdbType.replace(/\[\d*\]$/, '') : duckdbType];
  if (element === undefined) return null;
  return isList ? `list<${element}>` : element;
}

/** The element type of a list type; null for scalars. */
export function elementOf(type: ValueType): ScalarType | null {
  return type.startsWith('list<') ? (type.slice(5, -1) as ScalarType) : null;
}
