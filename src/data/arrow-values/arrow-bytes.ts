import { isAscii, isUtf8 } from 'node:buffer';
import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowBody } from './arrow-body.ts';
import type { BytesColumn } from './arrow-column.ts';
import type { FieldLayout } from './arrow-layout.ts';
import { readOffsets } from './arrow-offsets.ts';
import { isValid, type Validity } from './arrow-validity.ts';

/** Bytes of a view: length, then the value itself up to 12 bytes, or 4 bytes of it, buffer index and offset. */
const VIEW_BYTES = 16;
const INLINE_BYTES = 12;

/**
 * Texts and blobs with offsets.
 *
 * Errors: INPUT_CORRUPT for damaged offsets, and for invalid UTF-8 in a text that is not null, naming the row.
 */
export function decodeOffsetBytes(
  layout: FieldLayout,
  large: boolean,
  isText: boolean,
  validity: Validity,
  body: ArrowBody,
  place: ArrowPlace,
): BytesColumn {
  const { rows } = layout.node;
  const offsets = readOffsets(body, layout.buffers[1] ?? 0, rows, large, place);
  const end = offsets[rows] ?? 0;
  const values = body.buffer(layout.buffers[2] ?? 0, end, place);
  const column: BytesColumn = {
    kind: 'bytes',
    rows,
    validity,
    at: (row) => values.subarray(offsets[row] ?? 0, offsets[row + 1] ?? 0),
  };
  if (isText && !areAllTexts(values.subarray(0, end), offsets, rows)) requireTexts(column, place);
  return column;
}

/** Blobs of one size, which may be 0. Errors: those of `ArrowBody.buffer`. */
export function decodeFixedBytes(
  layout: FieldLayout,
  size: number,
  validity: Validity,
  body: ArrowBody,
  place: ArrowPlace,
): BytesColumn {
  const { rows } = layout.node;
  // DuckDB takes 16 bytes a value, however small it is.
  body.reserve(rows * Math.max(0, VIEW_BYTES - size), place);
  const values = body.buffer(layout.buffers[1] ?? 0, rows * size, place);
  return { kind: 'bytes', rows, validity, at: (row) => values.subarray(row * size, (row + 1) * size) };
}

/**
 * Texts and blobs as views.
 *
 * Errors: INPUT_CORRUPT for a view outside its buffers or with a wrong prefix, and for invalid UTF-8, naming the row.
 */
export function decodeViewBytes(
  layout: FieldLayout,
  isText: boolean,
  validity: Validity,
  body: ArrowBody,
  place: ArrowPlace,
): BytesColumn {
  const { rows } = layout.node;
  const views = body.buffer(layout.buffers[1] ?? 0, rows * VIEW_BYTES, place);
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const data = layout.buffers.slice(2).map((index) => body.buffer(index, null, place));
  for (let row = 0; row < rows; row++) {
    if (!isValid(validity, row)) continue;
    const at = row * VIEW_BYTES;
    const length = view.getInt32(at, true);
    const buffer = length > INLINE_BYTES ? data[view.getInt32(at + 8, true)] : views;
    const offset = length > INLINE_BYTES ? view.getInt32(at + 12, true) : 0;
    if (
      length < 0 ||
      offset < 0 ||
      buffer === undefined ||
      (length > INLINE_BYTES && offset + length > buffer.length)
    ) {
      throw place.fault('INPUT_CORRUPT', 'a view points outside its buffers', { row });
    }
    const hasPrefix = length <= INLINE_BYTES || view.getUint32(at + 4, true) === firstFour(buffer, offset);
    if (!hasPrefix) throw place.fault('INPUT_CORRUPT', 'a view and its data start differently', { row });
  }
  const at = (row: number): Uint8Array => {
    const start = row * VIEW_BYTES;
    const length = view.getInt32(start, true);
    if (length <= INLINE_BYTES) return views.subarray(start + 4, start + 4 + length);
    const offset = view.getInt32(start + 12, true);
    return (data[view.getInt32(start + 8, true)] ?? views).subarray(offset, offset + length);
  };
  const column: BytesColumn = { kind: 'bytes', rows, validity, at };
  if (isText) requireTexts(column, place);
  return column;
}

function firstFour(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}

/** True when the bytes are UTF-8 as a whole and no value starts inside a character: then every value is UTF-8. */
function areAllTexts(values: Uint8Array, offsets: Int32Array | Float64Array, rows: number): boolean {
  if (isAscii(values)) return true;
  // The first value may start behind bytes that nobody reads.
  if (!isUtf8(values.subarray(offsets[0] ?? 0))) return false;
  for (let row = 1; row < rows; row++) {
    if (((values[offsets[row] ?? 0] ?? 0) & 0xc0) === 0x80) return false;
  }
  return true;
}

function requireTexts(column: BytesColumn, place: ArrowPlace): void {
  for (let row = 0; row < column.rows; row++) {
    if (isValid(column.validity, row) && !isUtf8(column.at(row))) {
      throw place.fault('INPUT_CORRUPT', 'a text is not valid UTF-8', { row });
    }
  }
}
