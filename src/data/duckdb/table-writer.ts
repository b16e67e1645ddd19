import { type DuckDBAppender, DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Duck } from './duckdb.ts';

/** Values of one column for the rows of one call: a typed array, texts, or lists over a typed array, of equal width or each of its own. */
export type ColumnData =
  | { readonly kind: 'fixed'; readonly data: NumericArray }
  | { readonly kind: 'text'; readonly data: readonly (string | null)[] }
  | { readonly kind: 'list'; readonly data: NumericArray; readonly width: number }
  | {
      readonly kind: 'ragged';
      readonly data: NumericArray;
      readonly starts: Float64Array;
      readonly sizes: Int32Array;
    }
  /** Lists of equal width of some texts, each by its place among them. */
  | {
      readonly kind: 'textList';
      readonly places: Int32Array;
      readonly texts: readonly string[];
      readonly width: number;
    };

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

const VECTOR_ROWS = 2048;
const encoder = new TextEncoder();

/**
 * Appends typed arrays to a DuckDB table by copying memory, 2,048 rows at a time. The arrays must have the byte layout
 * of the table's column types (BOOLEAN: one byte). Owns: the caller; the arrays may be reused after `append` returns.
 */
export class TableWriter {
  private readonly appender: DuckDBAppender;
  private readonly types: readonly DuckDBType[];
  private readonly full: DuckDBDataChunk;

  private constructor(appender: DuckDBAppender) {
    this.appender = appender;
    this.types = Array.from({ length: appender.columnCount }, (_, i) => appender.columnType(i));
    this.full = DuckDBDataChunk.create(this.types, VECTOR_ROWS);
  }

  static async open(duck: Duck, table: string): Promise<TableWriter> {
    return new TableWriter(await duck.connection.createAppender(table));
  }

  append(columns: readonly ColumnData[], rows: number): void {
    for (let start = 0; start < rows; start += VECTOR_ROWS) {
      const count = Math.min(VECTOR_ROWS, rows - start);
      const chunk = this.reuse(columns, count);
      columns.forEach((column, index) => {
        writeVector(duckdb.data_chunk_get_vector(chunk.chunk, index), column, start, count);
      });
      this.appender.appendDataChunk(chunk);
    }
  }

  close(): void {
    this.appender.flushSync();
    this.appender.closeSync();
  }

  // Texts and lists keep heap memory in their vectors, so only chunks of fixed width are reused.
  private reuse(columns: readonly ColumnData[], count: number): DuckDBDataChunk {
    const isReusable = count === VECTOR_ROWS && columns.every((c) => c.kind === 'fixed');
    return isReusable ? this.full : DuckDBDataChunk.create(this.types, count);
  }
}

function writeVector(vector: duckdb.Vector, column: ColumnData, start: number, count: number): void {
  if (column.kind === 'fixed') {
    copyInto(vector, column.data, start, count);
  } else if (column.kind === 'text') {
    writeTexts(vector, column.data, start, count);
  } else if (column.kind === 'ragged') {
    writeRagged(vector, column, start, count);
  } else {
    const child = writeEntries(vector, column.width, count);
    if (column.kind === 'list') copyInto(child, column.data, start * column.width, count * column.width);
    else writePlaces(child, column.places.subarray(start * column.width), count * column.width, column.texts);
  }
}

function copyInto(vector: duckdb.Vector, data: NumericArray, start: number, count: number): void {
  const width = data.BYTES_PER_ELEMENT;
  duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, data.byteOffset + start * width, count * width);
}

function writeTexts(vector: duckdb.Vector, data: readonly (string | null)[], start: number, count: number): void {
  let validity: Uint8Array | null = null;
  for (let i = 0; i < count; i++) {
    const text = data[start + i];
    if (text !== null && text !== undefined) {
      // The form with a length: the other one ends a text at its first NUL.
      duckdb.vector_assign_string_element_len(vector, i, encoder.encode(text));
      continue;
    }
    validity ??= new Uint8Array(VECTOR_ROWS / 8).fill(0xff);
    validity[i >> 3] = (validity[i >> 3] ?? 0) & ~(1 << (i & 7));
  }
  if (validity === null) return;
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, Math.ceil(count / 64) * 8);
}

/** Makes a vector one of lists of equal width; answers with the vector of their elements. */
function writeEntries(vector: duckdb.Vector, width: number, count: number): duckdb.Vector {
  const entries = new BigUint64Array(count * 2);
  for (let i = 0; i < count; i++) {
    entries[i * 2] = BigInt(i * width);
    entries[i * 2 + 1] = BigInt(width);
  }
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength);
  duckdb.list_vector_reserve(vector, count * width);
  duckdb.list_vector_set_size(vector, count * width);
  return duckdb.list_vector_get_child(vector);
}

// The lists of these rows lie anywhere in the array: they are put one behind another.
function writeRagged(
  vector: duckdb.Vector,
  { data, starts, sizes }: ColumnData & { kind: 'ragged' },
  start: number,
  count: number,
): void {
  const entries = new BigUint64Array(count * 2);
  let total = 0;
  for (let i = 0; i < count; i++) {
    entries[i * 2] = BigInt(total);
    entries[i * 2 + 1] = BigInt(sizes[start + i]!);
    total += sizes[start + i]!;
  }
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength);
  duckdb.list_vector_reserve(vector, total);
  duckdb.list_vector_set_size(vector, total);
  const child = duckdb.list_vector_get_child(vector);
  const width = data.BYTES_PER_ELEMENT;
  let to = 0;
  for (let i = start; i < start + count; i++) {
    const bytes = sizes[i]! * width;
    if (bytes === 0) continue;
    duckdb.copy_data_to_vector(child, to, data.buffer as ArrayBuffer, data.byteOffset + starts[i]! * width, bytes);
    to += bytes;
  }
}

function writePlaces(vector: duckdb.Vector, places: Int32Array, count: number, texts: readonly string[]): void {
  const bytes = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const place = places[i]!;
    const known = bytes.get(place) ?? encoder.encode(texts[place] ?? '');
    bytes.set(place, known);
    duckdb.vector_assign_string_element_len(vector, i, known);
  }
}
