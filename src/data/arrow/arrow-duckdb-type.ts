import type { ColumnInfo } from '../../base/contract/table.ts';
import type { ArrowField } from './arrow-schema.ts';

/** A column of an Arrow file. */
export interface ArrowColumn extends ColumnInfo {
  /** Set when the column can be described but not read; says why. */
  readonly unsupported?: string;
}

/** How a field arrives in DuckDB. */
export interface DuckdbTyping {
  /** DuckDB's spelling of what a Parquet file written from the column gives back. */
  readonly type: string;
  readonly lossy?: string;
  readonly unsupported?: string;
}

const MOST_DIGITS = 38;

/**
 * The planner's view of a top-level field. The types are those that DuckDB reports for a Parquet file of the same data:
 * timestamps of seconds and milliseconds become TIMESTAMP, a list of fixed size becomes a list, a null column INTEGER.
 */
export function describeColumn(field: ArrowField): ArrowColumn {
  const { kind } = field.type;
  const isList = kind === 'list' || kind === 'fixed-list';
  const onlyNulls = kind === 'null' ? 'values' : isList && field.children[0]?.type.kind === 'null' ? 'elements' : null;
  return {
    name: field.name,
    nullable: field.nullable,
    ...duckdbTyping(field),
    ...(onlyNulls === null ? {} : { onlyNulls }),
  };
}

/** The DuckDB type of a field. Errors: none; what cannot be read says so in `unsupported`. */
export function duckdbTyping(field: ArrowField): DuckdbTyping {
  const typing = valueTyping(field);
  const isNested = field.children.length > 0;
  return field.dictionary !== null && isNested ? { ...typing, unsupported: 'a dictionary of nested values' } : typing;
}

function valueTyping(field: ArrowField): DuckdbTyping {
  const { type, children } = field;
  switch (type.kind) {
    case 'null':
      return { type: 'INTEGER' };
    case 'bool':
      return { type: 'BOOLEAN' };
    case 'int':
      return { type: `${type.signed ? '' : 'U'}${INTEGERS[type.bits] ?? 'BIGINT'}` };
    case 'float':
      return { type: type.bits === 64 ? 'DOUBLE' : 'FLOAT' };
    case 'decimal':
      return decimalTyping(type.precision, type.scale);
    case 'date':
      return { type: 'DATE' };
    case 'time':
      return { type: type.unit === 'ns' ? 'TIME_NS' : 'TIME' };
    case 'timestamp':
      if (type.zone === null || type.zone === '') return { type: type.unit === 'ns' ? 'TIMESTAMP_NS' : 'TIMESTAMP' };
      return {
        type: 'TIMESTAMP WITH TIME ZONE',
        ...(type.unit === 'ns' ? { lossy: 'nanoseconds are cut to microseconds' } : {}),
      };
    case 'duration':
      return { type: 'BIGINT', lossy: `a duration becomes its plain number of ${UNIT_NAMES[type.unit]}` };
    case 'utf8':
    case 'utf8-view':
      return { type: 'VARCHAR' };
    case 'binary':
    case 'binary-view':
    case 'fixed-binary':
      return { type: 'BLOB' };
    case 'list':
    case 'fixed-list':
    case 'list-view': {
      const child = childTyping(children[0]);
      const viewed = type.kind === 'list-view' ? { unsupported: 'a list view' } : {};
      return { ...child, type: `${child.type}[]`, ...viewed };
    }
    case 'struct':
      return { type: `STRUCT(${members(children)})`, unsupported: 'a struct' };
    case 'union':
      return { type: `UNION(${members(children)})`, unsupported: 'a union' };
    case 'map': {
      const [key, value] = children[0]?.children ?? [];
      return { type: `MAP(${childTyping(key).type}, ${childTyping(value).type})`, unsupported: 'a map' };
    }
    case 'interval':
      return { type: 'INTERVAL', unsupported: 'an interval' };
    case 'run-end-encoded':
      return { ...childTyping(children[1]), unsupported: 'a run-end encoded column' };
  }
}

function decimalTyping(precision: number, scale: number): DuckdbTyping {
  if (scale < 0) return { type: `DECIMAL(${precision},${scale})`, unsupported: 'a decimal of negative scale' };
  // DuckDB wants at least as many digits as decimals: 0.00012 is DECIMAL(2,5) in Arrow.
  const width = Math.max(precision, scale);
  const type = `DECIMAL(${width},${scale})`;
  return width > MOST_DIGITS ? { type, unsupported: `a decimal of more than ${MOST_DIGITS} digits` } : { type };
}

function childTyping(field: ArrowField | undefined): DuckdbTyping {
  return field === undefined ? { type: 'INTEGER' } : duckdbTyping(field);
}

function members(children: readonly ArrowField[]): string {
  return children.map((child) => `${member(child.name)} ${duckdbTyping(child).type}`).join(', ');
}

function member(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const INTEGERS: Readonly<Record<number, string>> = { 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' };
const UNIT_NAMES = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' } as const;
