import type { ColumnInfo } from '../../base/contract/table.ts';
import type { TableColumn } from './table-schema.ts';

/** What a type of a data file may be cast to without a change; instants and clocks are microseconds in a Delta table. */
const CASTS: Readonly<Record<string, readonly string[]>> = {
  TINYINT: ['SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE'],
  UTINYINT: ['SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE'],
  SMALLINT: ['INTEGER', 'BIGINT', 'DOUBLE'],
  USMALLINT: ['INTEGER', 'BIGINT', 'DOUBLE'],
  INTEGER: ['BIGINT', 'DOUBLE'],
  UINTEGER: ['BIGINT'],
  FLOAT: ['DOUBLE'],
  DATE: ['TIMESTAMP'],
  TIMESTAMP_S: ['TIMESTAMP'],
  TIMESTAMP_MS: ['TIMESTAMP'],
  // INT96, which holds the instants of most tables of Spark: DuckDB reads it without its zone, which is UTC.
  TIMESTAMP: ['TIMESTAMP WITH TIME ZONE'],
  JSON: ['VARCHAR'],
};
const DIGITS: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 };
const DECIMAL = /^DECIMAL\((\d+),(\d+)\)$/;

/**
 * The columns of a table as one of its data files has them: under the table's names and types, where columns that the file lacks are null
 * and those that only the file has are none. A column whose values the table's type does not hold is marked unsupported.
 *
 * Errors: none.
 */
export function fitColumns(table: readonly TableColumn[], own: readonly ColumnInfo[]): ColumnInfo[] {
  const exact = new Map(own.map((column) => [column.name, column]));
  return table.map((column) => {
    const { name, isPartition } = column;
    const type = column.type ?? 'VARCHAR';
    const unsupported = column.type === null ? { unsupported: `the table's type ${column.says}` } : {};
    if (isPartition) return { name, type, nullable: true, ...unsupported };
    const found = exact.get(column.physicalName) ?? alikeOf(column.physicalName, own);
    if (found === undefined) return { name, type, nullable: true, onlyNulls: 'values' as const, ...unsupported };
    return { ...fitted(found, type), name, ...renamed(found, column), ...unsupported };
  });
}

// Delta compares names without their case, and a table has no two that differ in it alone.
function alikeOf(name: string, own: readonly ColumnInfo[]): ColumnInfo | undefined {
  const alike = own.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  return alike.length === 1 ? alike[0] : undefined;
}

function renamed(file: ColumnInfo, { name }: TableColumn): Partial<ColumnInfo> {
  if (file.name === name) return {};
  return { fileName: file.name, duckName: file.duckName ?? file.name };
}

function fitted({ lossy, ...rest }: ColumnInfo, type: string): ColumnInfo {
  // A Delta table has microseconds: INT96 holds no more of it.
  const file = lossy === undefined || lossy.startsWith('INT96') ? rest : { ...rest, lossy };
  if (file.onlyNulls === 'values') return { ...file, type };
  if (plain(file.type) === plain(type)) return file;
  if (!isHeldBy(file.type, type)) {
    return {
      ...file,
      type,
      unsupported: `the file has it as ${file.type}, which the table's type ${type} does not hold`,
    };
  }
  return { ...file, type, storedAs: file.type };
}

/** Types of one meaning in two spellings. */
function plain(type: string): string {
  return type.replaceAll('"', '');
}

function isHeldBy(from: string, to: string): boolean {
  const [x, y] = [/^(.+)\[\]$/.exec(from)?.[1], /^(.+)\[\]$/.exec(to)?.[1]];
  if (x !== undefined && y !== undefined) return plain(x) === plain(y) || isHeldBy(x, y);
  if (CASTS[from]?.includes(to) === true) return true;
  const wide = DECIMAL.exec(to);
  if (wide === null) return false;
  const narrow = DECIMAL.exec(from);
  const [scale, digits] =
    narrow === null ? [0, DIGITS[from]] : [Number(narrow[2]), Number(narrow[1]) - Number(narrow[2])];
  return digits !== undefined && Number(wide[2]) >= scale && Number(wide[1]) - Number(wide[2]) >= digits;
}
