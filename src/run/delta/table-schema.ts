import { damaged, type Fields, isFields } from './log-fault.ts';

/** A column of a Delta table. */
export interface TableColumn {
  readonly name: string;
  /** What its data files and partition values call it: another name where the table maps columns. */
  readonly physicalName: string;
  /** DuckDB's; null for a type that prescore cannot read, which `says` names. */
  readonly type: string | null;
  readonly says: string;
  readonly isPartition: boolean;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  // All null, and in no data file.
  void: 'INTEGER',
};

/**
 * The columns of a table, in order, of its `metaData` action. `isMapped`: its files know columns by their physical names.
 *
 * Errors: INPUT_TABLE_LOG.
 */
export function tableColumns(metadata: Fields, isMapped: boolean, where: string): TableColumn[] {
  const fault = (what: string): Error => damaged(`the schema of the table ${what}`, where);
  const { schemaString, partitionColumns } = metadata;
  let schema: unknown = null;
  try {
    schema = typeof schemaString === 'string' ? JSON.parse(schemaString) : null;
  } catch {
    // As no schema at all.
  }
  const fields = isFields(schema) ? schema['fields'] : null;
  if (!Array.isArray(fields)) throw fault('cannot be read');
  const partitions = new Set<unknown>(Array.isArray(partitionColumns) ? partitionColumns : []);
  const columns = fields.map((field: unknown): TableColumn => {
    if (!isFields(field) || typeof field['name'] !== 'string') throw fault('has a column without a name');
    const { name, type, metadata: notes } = field;
    const physical = isMapped && isFields(notes) ? notes['delta.columnMapping.physicalName'] : name;
    if (typeof physical !== 'string') throw fault(`maps columns, and ${JSON.stringify(name)} has no physical name`);
    const says = typeof type === 'string' ? type : isFields(type) ? String(type['type']) : 'none';
    return { name, physicalName: physical, type: duckType(type), says, isPartition: partitions.delete(name) };
  });
  if (partitions.size > 0) throw fault(`lacks the partition column ${JSON.stringify([...partitions][0])}`);
  return columns;
}

/** A type of the log as DuckDB writes it; null where there is none. */
function duckType(type: unknown): string | null {
  if (typeof type === 'string') {
    const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type);
    if (decimal !== null) return `DECIMAL(${decimal[1]},${decimal[2]})`;
    return type === 'decimal' ? 'DECIMAL(10,0)' : (PRIMITIVES[type] ?? null);
  }
  if (!isFields(type)) return null;
  switch (type['type']) {
    case 'array': {
      const element = duckType(type['elementType']);
      return element === null ? null : `${element}[]`;
    }
    case 'map': {
      const [key, value] = [duckType(type['keyType']), duckType(type['valueType'])];
      return key === null || value === null ? null : `MAP(${key}, ${value})`;
    }
    case 'struct': {
      const { fields } = type;
      const inner = (Array.isArray(fields) ? fields : []).map((field: unknown) => {
        const of = isFields(field) ? duckType(field['type']) : null;
        return of === null || !isFields(field) ? null : `"${String(field['name']).replaceAll('"', '""')}" ${of}`;
      });
      return inner.length === 0 || inner.includes(null) ? null : `STRUCT(${inner.join(', ')})`;
    }
    default:
      return null;
  }
}
