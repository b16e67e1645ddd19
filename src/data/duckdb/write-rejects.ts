import type { OutputColumn } from '../../base/contract/plan.ts';
import type { RejectExample } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Duck, literalPath, quoteName, quoteText } from './duckdb.ts';
import type { LocalSlice } from './local-slice.ts';
import { copyTo, inputQuery } from './write-part.ts';

/** Rows of one row group that could not be read: one entry for all of them. */
export interface UnreadableRows {
  readonly uri: string;
  readonly rowStart: number;
  readonly rows: number;
  /** Columns that are to blame. */
  readonly column: string;
  readonly message: string;
}

/** The prediction table, the table of its reject codes, and how many of its rows have one. */
export interface RejectedRows {
  readonly table: string;
  readonly codesTable: string;
  readonly slices: readonly LocalSlice[];
  readonly count: number;
}

export interface RejectSources {
  /** Null when no single row was rejected. */
  readonly rows: RejectedRows | null;
  readonly unreadable: readonly UnreadableRows[];
}

/**
 * Writes the rows that were not scored: source file, row, number of rows from there on, column, rule, message and the ids
 * (null for a row group that could not be read). Rows are joined by their positions: beside a hash join, DuckDB does not
 * keep the order of a union, and a positional join would pair wrong rows. Gives the first entry.
 *
 * Errors: INTERNAL when an entry is missing; DuckDB's own otherwise.
 */
export async function writeRejects(
  duck: Duck,
  sources: RejectSources,
  ids: readonly OutputColumn[],
  target: string,
): Promise<RejectExample> {
  const { rows, unreadable } = sources;
  const parts = unreadable.map((u) => entryQuery(u, ids));
  if (rows !== null) parts.push(rowsQuery(rows, ids));
  const query = `select * from (${parts.join(' union all ')}) r order by source_file, source_row`;
  const written = await copyTo(duck, query, target, { compression: 'zstd', rowGroupRows: 122880 });
  const expected = (rows?.count ?? 0) + unreadable.length;
  if (written !== expected) {
    const what = 'rejected rows are missing in their file';
    throw new PrescoreError('INTERNAL', { what, where: target, expected: `${expected}`, got: `${written}` });
  }
  return firstEntry(duck, target);
}

async function firstEntry(duck: Duck, path: string): Promise<RejectExample> {
  const columns = 'source_file, source_row, "column", rule, message';
  const [entry] = await duck.rows(`select ${columns} from read_parquet(${quoteText(literalPath(path))}) limit 1`);
  const [file, row, column, rule, message] = entry ?? [];
  return { file: String(file), row: Number(row), column: String(column), rule: String(rule), message: String(message) };
}

function rowsQuery(rows: RejectedRows, ids: readonly OutputColumn[]): string {
  const idColumns = ids.map((c, k) => `, i.c${k} as ${quoteName(c.name)}`).join('');
  return `select i.source_uri as source_file, i.source_row as source_row, 1::BIGINT as source_rows,
      k.column_name as "column", k.rule as rule, k.message as message${idColumns}
    from (${inputQuery(rows.slices, ids)}) i join ${quoteName(rows.table)} p on p.row_position = i.row_position
    join ${quoteName(rows.codesTable)} k on k.code = p.reject_code where p.reject_code > 0`;
}

function entryQuery(entry: UnreadableRows, ids: readonly OutputColumn[]): string {
  const idColumns = ids.map((c) => `, null::${c.type} as ${quoteName(c.name)}`).join('');
  return `select ${quoteText(entry.uri)} as source_file, ${entry.rowStart}::BIGINT as source_row,
      ${entry.rows}::BIGINT as source_rows, ${quoteText(entry.column)} as "column", 'unreadable' as rule,
      ${quoteText(entry.message)} as message${idColumns}`;
}
