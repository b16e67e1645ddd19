import type { RowSpan } from '../parquet/parquet-footer.ts';
import { type Duck, parquetSource, quoteName } from './duckdb.ts';
import { columnExpression, isShortage, type LocalSlice, readFault, readFaultText } from './local-slice.ts';

/** A row group that does not decode: every column that is to blame, and what DuckDB says of the first. */
export interface UnreadableGroup extends RowSpan {
  readonly columns: readonly { readonly name: string; readonly message: string }[];
}

/**
 * Decodes the row groups of a slice one by one, all columns together and, where that fails, each alone. For after a
 * failure: it reads everything again. A fault that only shows when they are read one after the other is that of all.
 *
 * Errors: INPUT_TOO_LARGE and the like when memory or disk is short, which says nothing about the file.
 */
export async function findUnreadable(
  duck: Duck,
  slice: LocalSlice,
  columns: readonly string[],
): Promise<UnreadableGroup[]> {
  const stored = columns.filter((name) => columnExpression(slice, name) !== null);
  const found: UnreadableGroup[] = [];
  for (const span of slice.groups) {
    const guilty = await guiltyColumns(duck, slice, span, stored);
    if (guilty.length > 0) found.push({ ...span, columns: guilty });
  }
  if (found.length > 0 || slice.groups.length < 2) return found;
  const guilty = await guiltyColumns(duck, slice, slice, stored);
  return guilty.length > 0 ? slice.groups.map((span) => ({ ...span, columns: guilty })) : [];
}

async function guiltyColumns(
  duck: Duck,
  slice: LocalSlice,
  rows: Pick<RowSpan, 'rowStart' | 'rowEnd'>,
  columns: readonly string[],
): Promise<{ name: string; message: string }[]> {
  const message = await failureOf(duck, slice, rows, columns);
  if (message === null) return [];
  const guilty: { name: string; message: string }[] = [];
  for (const name of columns) {
    const alone = await failureOf(duck, slice, rows, [name]);
    if (alone !== null) guilty.push({ name, message: alone });
  }
  return guilty.length > 0 ? guilty : [{ name: '', message }];
}

async function failureOf(
  duck: Duck,
  slice: LocalSlice,
  span: Pick<RowSpan, 'rowStart' | 'rowEnd'>,
  names: readonly string[],
): Promise<string | null> {
  const select = names.map((name) => columnExpression(slice, name));
  // Twins in case would be one column name too many.
  const named = select.map((sql, i) => `${sql} as ${quoteName(`c${i}`)}`);
  const query = `select ${named.join(', ') || 'true'} from ${parquetSource(slice.path)}
    where file_row_number >= ${span.rowStart} and file_row_number < ${span.rowEnd}`;
  let rows = 0;
  try {
    // Only counted: nothing is read as a type.
    for await (const batch of duck.stream(query, { where: slice.uri, columns: [] })) rows += batch.rows;
  } catch (error) {
    if (isShortage(error)) throw readFault(error, slice.uri);
    return readFaultText(error);
  }
  const expected = span.rowEnd - span.rowStart;
  return rows === expected ? null : `${rows} rows came instead of ${expected}`;
}
