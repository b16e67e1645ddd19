import { literalPath, parquetSource, quoteName, quoteText } from './duckdb.ts';
import { type LocalSlice, POSITION_BITS, positionBase, sliceRows, sourceRow } from './local-slice.ts';

/** Slices that one table function reads: one, or whole small files of one schema. */
export interface SliceRun {
  readonly slices: readonly LocalSlice[];
  /** Place of the first among the slices of the chunk. */
  readonly ordinal: number;
}

/** Files of one run at most, so that no statement grows without end. */
const MOST_FILES = 256;
/** DuckDB's names for what stands beside the columns of a file: of a table that has such columns no files are joined. */
const VIRTUAL = new Set(['file_index', 'file_row_number', 'filename']);

/** Of a footer. */
interface NamedSchema {
  readonly columns: readonly { readonly name: string }[];
  readonly schemaBytes: Uint8Array;
}

/**
 * What files must have in common to be read as one list: the schema as its bytes. Null where DuckDB, which finds columns by their
 * names in any case of letters, might take one for another.
 */
export function listSchema({ columns, schemaBytes }: NamedSchema): Uint8Array | null {
  const names = new Set(columns.map((c) => c.name.toLowerCase()));
  if (names.size < columns.length) return null;
  for (const name of VIRTUAL) if (names.has(name)) return null;
  return schemaBytes;
}

/**
 * Neighbours among the slices that are whole files and alike are read together: to plan a query for each small file was most of
 * what it costs (32 columns: 1.3 ms a file alone, 0.5 ms in a list).
 */
export function sliceRuns(slices: readonly LocalSlice[]): SliceRun[] {
  const runs: { slices: LocalSlice[]; ordinal: number }[] = [];
  for (const [ordinal, slice] of slices.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last.slices.length < MOST_FILES && isAlike(last.slices[0]!, slice))
      last.slices.push(slice);
    else runs.push({ slices: [slice], ordinal });
  }
  return runs;
}

/** SQL for the rows of a run, in the order of its slices. */
export function runRows({ slices }: SliceRun): string {
  if (slices.length === 1) return sliceRows(slices[0]!);
  const paths = slices.map((slice) => quoteText(literalPath(slice.path)));
  return parquetSource(paths);
}

/** SQL for the position of a row: `positionBase` of its slice's place, and its number in the file. */
export function runPosition({ slices, ordinal }: SliceRun): string {
  const { positionColumn } = slices[0]!;
  if (positionColumn !== undefined) return quoteName(positionColumn);
  if (slices.length === 1) return `file_row_number + ${positionBase(ordinal)}`;
  return `file_row_number + (file_index::BIGINT + ${ordinal}) * ${2 ** POSITION_BITS}`;
}

/** SQL for the URI of a row's file. */
export function runUri({ slices }: SliceRun): string {
  const uris = slices.map((slice) => quoteText(slice.uri));
  return slices.length === 1 ? uris[0]! : `([${uris.join(', ')}])[file_index::BIGINT + 1]`;
}

/** SQL for the number that people know a row by. */
export function runSourceRow({ slices }: SliceRun): string {
  return sourceRow(slices[0]!);
}

function isAlike(a: LocalSlice, b: LocalSlice): boolean {
  if (!isWholeFile(a) || !isWholeFile(b)) return false;
  if (a.schema !== b.schema && Buffer.compare(a.schema!, b.schema!) !== 0) return false;
  if (!hasSame(a.casts ?? NO_CASTS, b.casts ?? NO_CASTS)) return false;
  return hasSame(a.names, b.names) && (isEmpty(a, b) || hasSame(entriesOf(a), entriesOf(b)));
}

const NO_CASTS: ReadonlyMap<string, string> = new Map();

function isWholeFile(slice: LocalSlice): boolean {
  const { schema, rowStart, rowEnd, fileRows, rowBase, asBytes, notes, deleted } = slice;
  const isPlain = rowBase === 0 && asBytes.size === 0 && notes === undefined && deleted === undefined;
  return schema != null && isPlain && rowStart === 0 && rowEnd === fileRows;
}

function isEmpty(a: LocalSlice, b: LocalSlice): boolean {
  return [a, b].every(({ pathValues }) => Object.keys(pathValues).length === 0);
}

function entriesOf({ pathValues }: LocalSlice): ReadonlyMap<string, string | null> {
  return new Map(Object.entries(pathValues));
}

function hasSame<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a === b || (a.size === b.size && [...a].every(([key, value]) => b.has(key) && b.get(key) === value));
}
