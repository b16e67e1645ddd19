import type { RejectReason } from '../../base/contract/binding.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { RowSpan } from '../parquet/parquet-footer.ts';
import { parquetSource, quoteName, quoteText } from './duckdb.ts';

/** Rows of one local Parquet file that belong to a chunk, and what its columns are called there. */
export interface LocalSlice {
  readonly path: string;
  /** Shown in rejects. */
  readonly uri: string;
  readonly rowStart: number;
  readonly rowEnd: number;
  /** Rows that the file at `path` has. */
  readonly fileRows: number;
  /** First row in the file that people know, where `path` is a rewritten copy. */
  readonly rowBase: number;
  /** Column name -> DuckDB's name in this file. */
  readonly names: ReadonlyMap<string, string>;
  readonly pathValues: Readonly<Record<string, string | null>>;
  /** Column name -> the wider type that its values are cast to. */
  readonly casts?: ReadonlyMap<string, string>;
  /** Column name -> its name in the file, where that is another. */
  readonly fileNames?: ReadonlyMap<string, string>;
  /** Places in the file of rows that its table has deleted, ascending: none that come. */
  readonly deleted?: Uint32Array;
  /** Row groups of the slice, which can be left out one by one; none where prescore wrote the file itself. */
  readonly groups: readonly RowSpan[];
  /** Text columns whose values come as bytes, because some of them are not valid UTF-8. */
  readonly asBytes: ReadonlySet<string>;
  /** Files of the same schema may be read together (`listSchema`); null or left out for one that is not. */
  readonly schema?: Uint8Array | null;
  /** Where prescore wrote the file itself, and rows are not known by their place in it. */
  readonly notes?: RowNotes;
  /** Of files that were joined to one: its column that holds each row's position in the chunk. */
  readonly positionColumn?: string;
  /** Rows that a row group of the output may have at most, where the rows may be of any width. */
  readonly groupRows?: number;
}

/** What stands beside the columns of rows that were records of a text file, or that a job's `where` and `columns` have gone through. */
export interface RowNotes {
  /** The number that people know a row by: the line of a text file, from 1, in which it begins, or its place in the source file. */
  readonly rowColumn: string;
  /** A number of `faults`, from 1; 0 for a row that can be scored. */
  readonly faultColumn: string;
  readonly faults: readonly RejectReason[];
}

/** Bits of `row_position` below the slice's place. */
export const POSITION_BITS = 40;

/**
 * The position of a slice's row 0 in `row_position`, which no two rows of a chunk share: files begin at row 0 each, so a row
 * number alone would not show that two of them changed places.
 */
export function positionBase(ordinal: number): number {
  return ordinal * 2 ** POSITION_BITS;
}

/** SQL for the rows of a slice, with their `file_row_number`. */
export function sliceRows(slice: LocalSlice): string {
  const { path, rowStart, rowEnd, fileRows } = slice;
  const deleted = deletedWithin(slice);
  if (deleted.length > 0) {
    const bits = new Uint8Array(rowEnd - rowStart).fill(48);
    for (const row of deleted) bits[row - rowStart] = 49;
    // In a case, which looks up no bit of a row outside.
    return `${parquetSource(path)} where case when file_row_number >= ${rowStart} and file_row_number < ${rowEnd}
      then get_bit('${Buffer.from(bits.buffer).toString('latin1')}'::BIT, (file_row_number - ${rowStart})::INTEGER) = 0 else false end`;
  }
  // Planning the filter costs a quarter of the query over a small file.
  if (rowStart === 0 && rowEnd === fileRows) return parquetSource(path);
  return `${parquetSource(path)} where file_row_number >= ${rowStart} and file_row_number < ${rowEnd}`;
}

/** Rows that come of a slice: all but those that are deleted. */
export function sliceLength(slice: LocalSlice): number {
  return slice.rowEnd - slice.rowStart - deletedWithin(slice).length;
}

/** The first row of a slice from this one on that is not deleted, by its place in the file. */
export function nextRow({ deleted }: LocalSlice, from: number): number {
  if (deleted === undefined) return from;
  let row = from;
  for (let i = firstFrom(deleted, row); deleted[i] === row; i++) row++;
  return row;
}

/** The deleted rows of a slice, by their places in the file. Owns: a view of the slice's. */
function deletedWithin({ deleted, rowStart, rowEnd }: LocalSlice): Uint32Array {
  if (deleted === undefined) return NONE;
  return deleted.subarray(firstFrom(deleted, rowStart), firstFrom(deleted, rowEnd));
}

const NONE = new Uint32Array(0);

/** How many of ascending numbers are below a bound. */
function firstFrom(numbers: Uint32Array, bound: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** SQL for a column that stands in the file: its name, or its bytes as a text (null where they are none). Null: no such column. */
export function columnExpression(slice: LocalSlice, column: string): string | null {
  const name = slice.names.get(column);
  if (name === undefined) return null;
  const wider = slice.casts?.get(column);
  if (wider !== undefined) return `${quoteName(name)}::${wider}`;
  return slice.asBytes.has(column) ? `try(decode(${quoteName(name)}))` : quoteName(name);
}

/** Whether a column is one of the path. Names such as `constructor` are only names here. */
export function isPathColumn(values: Readonly<Record<string, string | null>>, column: string): boolean {
  return Object.hasOwn(values, column);
}

/** SQL for the value of a path column; null when the column is none. */
export function pathExpression(slice: Pick<LocalSlice, 'pathValues'>, column: string, type: string): string | null {
  if (!isPathColumn(slice.pathValues, column)) return null;
  const value = slice.pathValues[column] ?? null;
  return value === null ? `null::${type}` : `${quoteText(value)}::${type}`;
}

/** The faults that a row may have before it is looked at; none where every row can be scored. */
export function rowFaults(slice: LocalSlice): readonly RejectReason[] {
  if (slice.notes !== undefined) return slice.notes.faults;
  return [...slice.asBytes].map((column) => ({ rule: 'bad_utf8', column, message: BAD_TEXT }));
}

/** SQL for the number of a row's fault among `rowFaults`, from 1, or 0. */
export function faultExpression(slice: LocalSlice): string {
  return slice.notes === undefined ? badTextExpression(slice) : quoteName(slice.notes.faultColumn);
}

/** SQL for the number that people know a row by: its position in the file, or its line of a text file. */
export function sourceRow(slice: LocalSlice): string {
  return slice.notes === undefined ? `file_row_number + ${slice.rowBase}` : quoteName(slice.notes.rowColumn);
}

function badTextExpression(slice: LocalSlice): string {
  const cases = [...slice.asBytes].map((column, i) => {
    const name = quoteName(slice.names.get(column) ?? column);
    return `when ${name} is not null and try(decode(${name})) is null then ${i + 1}`;
  });
  return `(case ${cases.join(' ')} else 0 end)::INTEGER`;
}

/** What DuckDB says of a file that it cannot read, without its own path and without values. */
export function readFaultText(error: unknown): string {
  const text = error instanceof Error ? error.message.split('\n')[0]! : String(error);
  if (/not valid UTF8/i.test(text)) return BAD_TEXT;
  if (/Invalid JSON/i.test(text)) return 'a JSON text is malformed';
  return text.replace(/^[A-Z]\w*( \w+)* Error: /, '').replace(/^Failed to read file ".*?": /, '');
}

/** What `readFaultText` says of a text that is not valid UTF-8. */
export const BAD_TEXT = 'a text is not valid UTF-8';

/** Whether DuckDB failed for want of memory or disk, which says nothing about the file. */
export function isShortage(error: unknown): boolean {
  const text = error instanceof Error ? error.message : '';
  return /Out of Memory/i.test(text) || isOutOfScratch(text);
}

/** INPUT_CORRUPT for rows that cannot be read, INPUT_TOO_LARGE for want of memory; any other error passes through. */
export function readFault(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof PrescoreError || isOutOfScratch(error.message)) return error;
  const code = isShortage(error) ? 'INPUT_TOO_LARGE' : 'INPUT_CORRUPT';
  return new PrescoreError(code, { what: readFaultText(error), where, cause: error });
}

function isOutOfScratch(text: string): boolean {
  return /No space left|max_temp_directory_size|failed to offload/i.test(text);
}
