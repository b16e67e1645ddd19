import type { RowSpan } from '../parquet/parquet-footer.ts';
import { type Duck, parquetSource, quoteName } from './duckdb.ts';
import { BAD_TEXT, columnExpression, isShortage, type LocalSlice, readFault, readFaultText } from './local-slice.ts';

/** A row group that does not decode: every column that is to blame, and what DuckDB says of the first. */
export interface UnreadableGroup extends RowSpan {
  readonly columns: readonly { readonly name: string; readonly message: string }[];
}

/** DuckDB looks at each row group of a file in each of its queries: of more than so many, a file of so many is made at a time. */
const BLOCK_GROUPS = 64;

/** Does work with a slice whose file has little beside these row groups of the given slice. */
export type NarrowSlice = <T>(
  slice: LocalSlice,
  groups: readonly RowSpan[],
  work: (narrow: LocalSlice) => Promise<T>,
) => Promise<T>;

/**
 * Decodes the row groups of a slice, all columns together and, where that fails, each alone. For after a
 * failure: it reads everything again. A fault that only shows when they are read one after the other is that of all.
 *
 * Errors: INPUT_TOO_LARGE and the like when memory or disk is short, which says nothing about the file; those of `narrow`.
 */
export async function findUnreadable(
  duck: Duck,
  slice: LocalSlice,
  columns: readonly string[],
  narrow: NarrowSlice,
): Promise<UnreadableGroup[]> {
  const stored = columns.filter((name) => columnExpression(slice, name) !== null);
  const found: UnreadableGroup[] = [];
  // By halves: most row groups are well.
  const search = async (within: LocalSlice, groups: readonly RowSpan[]): Promise<void> => {
    const [first, last] = [groups[0], groups.at(-1)];
    if (first === undefined || last === undefined) return;
    if (first === last) {
      const guilty = await guiltyColumns(duck, within, first, stored);
      if (guilty.length > 0) found.push({ ...first, columns: guilty });
    } else if ((await failureOf(duck, within, { rowStart: first.rowStart, rowEnd: last.rowEnd }, stored)) !== null) {
      const half = groups.length >> 1;
      await search(within, groups.slice(0, half));
      await search(within, groups.slice(half));
    }
  };
  if (slice.groups.length <= BLOCK_GROUPS) await search(slice, slice.groups);
  else {
    for (let at = 0; at < slice.groups.length; at += BLOCK_GROUPS) {
      const groups = slice.groups.slice(at, at + BLOCK_GROUPS);
      await narrow(slice, groups, (block) => search(block, groups));
    }
  }
  if (found.length > 0 || slice.groups.length < 2) return found;
  const guilty = await guiltyColumns(duck, slice, slice, stored);
  return guilty.length > 0 ? slice.groups.map((span) => ({ ...span, columns: guilty })) : [];
}

/** Which of the columns of a slice have a text that is not UTF-8, where nothing else comes before it. Errors: as `findUnreadable`. */
export async function findBadTexts(duck: Duck, slice: LocalSlice, columns: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const name of columns.filter((column) => columnExpression(slice, column) !== null)) {
    if ((await failureOf(duck, slice, slice, [name])) === BAD_TEXT) found.add(name);
  }
  return found;
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
