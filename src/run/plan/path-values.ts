import type { Job } from '../../base/contract/job.ts';
import type { ColumnInfo } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { readPathValue } from '../../job/values/path-value.ts';

const NONE = Object.freeze({});

/** The columns that a job makes of paths, as those of a file. */
export function pathColumnsOf({ input }: Job): ColumnInfo[] {
  return Object.entries(input.pathColumns).map(([name, type]) => ({ name, type, nullable: true }));
}

/**
 * Values of `input.pathColumns` (name to DuckDB type) in the folders of a file's path, as texts that DuckDB casts exactly; null for a null.
 *
 * Errors: INPUT_SCHEMA when a folder is missing, stands twice, or is no value of its column's type.
 */
export function pathValuesOf(
  uri: string,
  columns: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> {
  const wanted = Object.entries(columns);
  if (wanted.length === 0) return NONE;
  // The last one is the file's own name, which may look like a value: `p=de-0001.parquet`.
  const segments = uri.split('/').slice(0, -1);
  const values: Record<string, string | null> = {};
  for (const [column, type] of wanted) {
    const fault = (what: string, expected: string, got: string): PrescoreError =>
      new PrescoreError('INPUT_SCHEMA', { what: `input.pathColumns.${column}: ${what}`, where: uri, expected, got });
    const found = segments.filter((s) => s.startsWith(`${column}=`));
    const [segment] = found;
    if (segment === undefined) throw fault(`the path has no folder ${column}=…`, `${column}=…`, segments.join('/'));
    if (found.length > 1) throw fault('the path has two such folders', 'one', found.join(' and '));
    const text = decodeEscapes(segment.slice(column.length + 1));
    if (text.includes('\0')) throw fault('a text with a NUL cannot be kept', 'none', JSON.stringify(text));
    const value = readPathValue(text, type);
    if (value === undefined) throw fault('the path has no value of this type', type, JSON.stringify(text));
    values[column] = value;
  }
  return values;
}

/** Writers escape what a file name cannot hold as `%2F`; a `%` that begins no escape is itself. */
function decodeEscapes(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      // No text in UTF-8.
      return escapes;
    }
  });
}
