import type { ColumnInfo, FileDescription } from '../contract/table.ts';
import { PrescoreError } from '../errors/prescore-error.ts';

// Each type may widen to those that follow it in its row: no value changes.
const WIDENINGS: readonly (readonly string[])[] = [
  ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'],
  ['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT'],
  ['UTINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'],
  ['USMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'],
  ['UINTEGER', 'BIGINT', 'HUGEINT'],
  ['UBIGINT', 'HUGEINT'],
  ['FLOAT', 'DOUBLE'],
  ['INTEGER', 'DOUBLE'],
  ['UINTEGER', 'DOUBLE'],
  ['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP'],
];

/** The type that holds the values of both without a change, or null. */
export function widen(a: string, b: string): string | null {
  if (a === b) return a;
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

function reaches(from: string, to: string): boolean {
  return from === to || WIDENINGS.some((row) => row.includes(from) && row.indexOf(to) > row.indexOf(from));
}

/**
 * The columns that a job uses, with a type that fits every file: integer and float widths are joined, anything else must
 * be equal. Columns that the job does not use may differ as they like.
 *
 * Errors: INPUT_SCHEMA naming both files; INPUT_LOSSY_TYPE unless `isLossyAllowed`.
 */
export function unifyColumns(
  files: readonly FileDescription[],
  wanted: readonly string[],
  isLossyAllowed: boolean,
): Map<string, string> {
  const types = new Map<string, string>();
  const origin = new Map<string, string>();
  for (const file of files) {
    const columns = new Map(file.columns.map((c): [string, ColumnInfo] => [c.name, c]));
    for (const name of wanted) {
      const column = columns.get(name);
      if (column === undefined) throw missingColumn(name, file, files);
      if (column.lossy !== undefined && !isLossyAllowed) {
        throw new PrescoreError('INPUT_LOSSY_TYPE', {
          what: `column ${JSON.stringify(name)}: ${column.lossy}`,
          where: file.uri,
          got: column.type,
          fix: 'Cast it where the file is written, or set input.lossy: true.',
        });
      }
      const known = types.get(name);
      const joined = known === undefined ? column.type : widen(known, column.type);
      if (joined === null) {
        throw new PrescoreError('INPUT_SCHEMA', {
          what: `column ${JSON.stringify(name)} has types that do not fit together`,
          where: `${origin.get(name)} and ${file.uri}`,
          expected: known ?? '',
          got: column.type,
          detail: `  ${origin.get(name)}: ${name} ${known}\n  ${file.uri}: ${name} ${column.type}`,
        });
      }
      types.set(name, joined);
      if (!origin.has(name)) origin.set(name, file.uri);
    }
  }
  return types;
}

function missingColumn(name: string, file: FileDescription, files: readonly FileDescription[]): PrescoreError {
  const other = files.find((f) => f.columns.some((c) => c.name === name));
  const near = file.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
  const columns = file.columns.map((c) => `  ${c.name}: ${c.type}`).join('\n');
  return new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} is missing`,
    where: other === undefined ? file.uri : `${file.uri} (${other.uri} has it)`,
    expected: JSON.stringify(name),
    got:
      near === undefined
        ? `${file.columns.length} other columns`
        : `${JSON.stringify(near.name)} (names are compared exactly)`,
    detail: `columns of ${file.uri}\n${columns}`,
  });
}
