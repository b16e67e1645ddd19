import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

// Each type may widen to those that follow it in its row: no value changes.
// Not beyond BIGINT and UBIGINT: DuckDB writes wider integers into Parquet as DOUBLE.
const WIDENINGS: readonly (readonly string[])[] = [
  ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'],
  ['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'],
  ['UTINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'],
  ['USMALLINT', 'INTEGER', 'BIGINT'],
  ['UINTEGER', 'BIGINT'],
  ['FLOAT', 'DOUBLE'],
  ['INTEGER', 'DOUBLE'],
  ['UINTEGER', 'DOUBLE'],
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
 * Checks that a file has the columns that a job uses and that they can be read as they are.
 *
 * Errors: INPUT_SCHEMA, INPUT_UNSUPPORTED; INPUT_LOSSY_TYPE unless `isLossyAllowed`.
 */
export function checkColumns(file: FileDescription, wanted: readonly string[], isLossyAllowed: boolean): void {
  const columns = new Map(file.columns.map((c) => [c.name, c]));
  for (const name of wanted) readable(name, columns, file, null, isLossyAllowed);
}

/**
 * The types of the columns that are copied to the output, joined over all files: integer and float widths are widened,
 * anything else must be equal. Columns that the job does not use may differ as they like.
 */
export class KeptTypes {
  readonly all = new Map<string, string>();
  private readonly kept: readonly string[];
  private readonly isLossyAllowed: boolean;
  private readonly origin = new Map<string, string>();
  private first: FileDescription | null = null;

  constructor(kept: readonly string[], isLossyAllowed: boolean) {
    this.kept = kept;
    this.isLossyAllowed = isLossyAllowed;
  }

  /** Takes a file in, whole or not at all. Errors: as `checkColumns`; INPUT_SCHEMA names both files. */
  add(file: FileDescription): void {
    const columns = new Map(file.columns.map((c) => [c.name, c]));
    const joined = this.kept.map((name): [string, string] => {
      const { type } = readable(name, columns, file, this.first, this.isLossyAllowed);
      const known = this.all.get(name);
      const fits = known === undefined ? type : widen(known, type);
      if (fits === null) throw this.conflict(name, file, known ?? '', type);
      return [name, fits];
    });
    for (const [name, type] of joined) {
      this.all.set(name, type);
      if (!this.origin.has(name)) this.origin.set(name, file.uri);
    }
    this.first ??= file;
  }

  private conflict(name: string, file: FileDescription, known: string, type: string): PrescoreError {
    const origin = this.origin.get(name);
    return new PrescoreError('INPUT_SCHEMA', {
      what: `column ${JSON.stringify(name)} has types that do not fit together`,
      where: `${origin} and ${file.uri}`,
      expected: known,
      got: type,
      detail: `  ${origin}: ${name} ${known}\n  ${file.uri}: ${name} ${type}`,
    });
  }
}

function readable(
  name: string,
  columns: ReadonlyMap<string, ColumnInfo>,
  file: FileDescription,
  other: FileDescription | null,
  isLossyAllowed: boolean,
): ColumnInfo {
  const column = columns.get(name);
  if (column === undefined) throw missingColumn(name, file, other);
  const what = `column ${JSON.stringify(name)}`;
  if (column.unsupported !== undefined) {
    throw new PrescoreError('INPUT_UNSUPPORTED', {
      what: `${what} cannot be read: ${column.unsupported}`,
      where: file.uri,
    });
  }
  if (column.lossy !== undefined && !isLossyAllowed) {
    throw new PrescoreError('INPUT_LOSSY_TYPE', {
      what: `${what}: ${column.lossy}`,
      where: file.uri,
      got: column.type,
      fix: 'Cast it where the file is written, or set input.lossy: true.',
    });
  }
  return column;
}

function missingColumn(name: string, file: FileDescription, other: FileDescription | null): PrescoreError {
  const near = file.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
  const columns = file.columns.map((c) => `  ${c.name}: ${c.type}`).join('\n');
  return new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} is missing`,
    where: other === null ? file.uri : `${file.uri} (${other.uri} has it)`,
    expected: JSON.stringify(name),
    got:
      near === undefined
        ? `${file.columns.length} other columns`
        : `${JSON.stringify(near.name)} (names are compared exactly)`,
    detail: `columns of ${file.uri}\n${columns}`,
  });
}
