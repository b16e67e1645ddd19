import duckdb from '@duckdb/node-bindings';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ArrowField } from '../arrow/arrow-schema.ts';
import type { BytesColumn, DecodedColumn, FixedColumn, ListColumn } from './arrow-column.ts';
import { fixedLayout } from './arrow-fixed.ts';
import { isValid, sliceValidity } from './arrow-validity.ts';

/** DuckDB's string_t: length, then the bytes themselves up to 12, else a pointer that only DuckDB can write. */
const STRING_BYTES = 16;
const INLINE_BYTES = 12;
const ENTRY_BYTES = 16;

/**
 * Copies rows `first` to `first + count` of a column to the start of a DuckDB vector of the column's type. Memory is
 * copied without any check on DuckDB's side, so call `requireFit` once for every column before.
 */
export function writeVector(vector: duckdb.Vector, column: DecodedColumn, first: number, count: number): void {
  if (count === 0) return;
  if (column.kind === 'null') {
    writeValidity(vector, new Uint8Array(Math.ceil(count / 64) * 8));
    return;
  }
  if (column.kind === 'fixed') writeFixed(vector, column, first, count);
  else if (column.kind === 'bytes') writeBytes(vector, column, first, count);
  else writeLists(vector, column, first, count);
  if (column.validity !== null) writeValidity(vector, sliceValidity(column.validity, first, count));
}

/** Compares a decoded column with the layout of its field. Errors: INTERNAL. */
export function requireFit(column: DecodedColumn, field: ArrowField): void {
  const width = fixedLayout(field.type)?.width ?? null;
  const child = field.children[0];
  const isFit =
    column.kind === 'null'
      ? field.type.kind === 'null'
      : column.kind === 'fixed'
        ? column.width === width && column.bytes.byteLength >= column.rows * column.width
        : column.kind === 'list'
          ? child !== undefined
          : width === null && child === undefined;
  if (!isFit)
    throw new PrescoreError('INTERNAL', {
      what: `a decoded column of kind ${column.kind} is not a ${field.type.kind}`,
    });
  if (column.kind === 'list' && child !== undefined) requireFit(column.child, child);
}

function writeFixed(vector: duckdb.Vector, column: FixedColumn, first: number, count: number): void {
  const { bytes, width } = column;
  duckdb.copy_data_to_vector(vector, 0, bytes.buffer, bytes.byteOffset + first * width, count * width);
}

function writeBytes(vector: duckdb.Vector, column: BytesColumn, first: number, count: number): void {
  const strings = new Uint8Array(count * STRING_BYTES);
  const view = new DataView(strings.buffer);
  const long: number[] = [];
  for (let i = 0; i < count; i++) {
    if (!isValid(column.validity, first + i)) continue;
    const value = column.at(first + i);
    if (value.length > INLINE_BYTES) {
      long.push(i);
      continue;
    }
    view.setUint32(i * STRING_BYTES, value.length, true);
    strings.set(value, i * STRING_BYTES + 4);
  }
  duckdb.copy_data_to_vector(vector, 0, strings.buffer, 0, strings.byteLength);
  for (const i of long) duckdb.vector_assign_string_element_len(vector, i, column.at(first + i));
}

function writeLists(vector: duckdb.Vector, column: ListColumn, first: number, count: number): void {
  const from = column.start(first);
  const entries = new DataView(new ArrayBuffer(count * ENTRY_BYTES));
  for (let i = 0; i < count; i++) {
    const start = column.start(first + i);
    const length = isValid(column.validity, first + i) ? column.start(first + i + 1) - start : 0;
    entries.setBigUint64(i * ENTRY_BYTES, BigInt(start - from), true);
    entries.setBigUint64(i * ENTRY_BYTES + 8, BigInt(length), true);
  }
  const total = column.start(first + count) - from;
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength);
  duckdb.list_vector_reserve(vector, total);
  duckdb.list_vector_set_size(vector, total);
  // Fetched after the reserve, which may move the child.
  writeVector(duckdb.list_vector_get_child(vector), column.child, from, total);
}

function writeValidity(vector: duckdb.Vector, words: Uint8Array<ArrayBuffer>): void {
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, words.buffer, words.byteOffset, words.byteLength);
}
