import type { PredictionValue, ScalarType, ValueColumn, ValueType } from '../../base/contract/prediction-set.ts';
import { readVarint64, unzigzag, varint64Size, writeVarint64, zigzag } from './integers.ts';
import { elementOf, SIGNED, UNSIGNED, WIDTHS } from './value-types.ts';
import { type Cursor, varintSize, writeVarint } from './varint.ts';

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/**
 * Reads the values of a row: the null bits when `hasNulls`, then what is not null, in the order of the columns. Null when
 * the bytes are not that.
 *
 * Errors: none. Owns: the values are copies.
 */
export function readValues(
  cursor: Cursor,
  columns: readonly ValueColumn[],
  hasNulls: boolean,
): Record<string, PredictionValue> | null {
  const bits = hasNulls ? cursor.take((columns.length + 7) >> 3) : -1;
  if (hasNulls && bits < 0) return null;
  // No prototype: a column may be called __proto__.
  const values: Record<string, PredictionValue> = Object.create(null);
  for (let i = 0; i < columns.length; i++) {
    const { name, type } = columns[i]!;
    if (hasNulls && ((cursor.bytes[bits + (i >> 3)]! >> (i & 7)) & 1) === 1) values[name] = null;
    else {
      const value = readValue(cursor, type);
      if (value === undefined) return null;
      values[name] = value;
    }
  }
  return cursor.at === cursor.end ? values : null;
}

/** One value; undefined when the bytes end too early or are no text. */
export function readValue(cursor: Cursor, type: ValueType): PredictionValue | undefined {
  const element = elementOf(type);
  return element === null ? readScalar(cursor, type as ScalarType) : readList(cursor, element);
}

// A list is (count * 2 + has nulls) as a varint, the null bits if any, and the elements that are not null.
function readList(cursor: Cursor, element: ScalarType): PredictionValue | undefined {
  const head = cursor.varint();
  if (head < 0) return undefined;
  const count = Math.floor(head / 2);
  if (count > (cursor.end - cursor.at) * 8) return undefined;
  const bits = head % 2 === 1 ? cursor.take((count + 7) >> 3) : -1;
  if (head % 2 === 1 && bits < 0) return undefined;
  const values: PredictionValue[] = [];
  for (let i = 0; i < count; i++) {
    const isNull = bits >= 0 && ((cursor.bytes[bits + (i >> 3)]! >> (i & 7)) & 1) === 1;
    const value = isNull ? null : readScalar(cursor, element);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function readScalar(cursor: Cursor, type: ScalarType): PredictionValue | undefined {
  if (type === 'string') return readText(cursor);
  if (SIGNED.has(type) || UNSIGNED.has(type)) return readInteger(cursor, type);
  const from = cursor.take(WIDTHS[type]);
  return from < 0 ? undefined : readFixed(cursor.view, from, type);
}

/** A text as `encodeValue` writes it; undefined when the bytes end too early or are no UTF-8. */
export function readText(cursor: Cursor): string | undefined {
  const length = cursor.varint();
  const from = cursor.take(length);
  if (length < 0 || from < 0) return undefined;
  try {
    return TEXT.decode(cursor.bytes.subarray(from, from + length));
  } catch {
    return undefined;
  }
}

function readInteger(cursor: Cursor, type: ScalarType): PredictionValue | undefined {
  const raw = readVarint64(cursor);
  if (raw === undefined) return undefined;
  const value = SIGNED.has(type) ? unzigzag(raw) : raw;
  return WIDTHS[type] === 8 ? value : Number(value);
}

function readFixed(view: DataView, at: number, type: ScalarType): PredictionValue {
  switch (type) {
    case 'bool':
      return view.getUint8(at) !== 0;
    case 'int8':
      return view.getInt8(at);
    case 'uint8':
      return view.getUint8(at);
    case 'float32':
      return view.getFloat32(at, true);
    default:
      return view.getFloat64(at, true);
  }
}

/** Writes one value that is not null, for single-key writes. Errors: none; the caller has checked the type. */
export function encodeValue(value: Exclude<PredictionValue, null>, type: ValueType): Uint8Array {
  const element = elementOf(type);
  if (element === null) return encodeScalar(value, type as ScalarType);
  const items = value as readonly PredictionValue[];
  const hasNulls = items.includes(null);
  const head = items.length * 2 + (hasNulls ? 1 : 0);
  const bits = new Uint8Array(hasNulls ? (items.length + 7) >> 3 : 0);
  const pieces: Uint8Array[] = [];
  for (const [i, item] of items.entries()) {
    if (item === null) bits[i >> 3]! |= 1 << (i & 7);
    else pieces.push(encodeScalar(item, element));
  }
  const prefix = new Uint8Array(varintSize(head));
  writeVarint(prefix, 0, head);
  return joinBytes([prefix, bits, ...pieces]);
}

function encodeScalar(value: Exclude<PredictionValue, null>, type: ScalarType): Uint8Array {
  if (type === 'string') {
    const text = ENCODER.encode(String(value));
    const bytes = new Uint8Array(varintSize(text.length) + text.length);
    bytes.set(text, writeVarint(bytes, 0, text.length));
    return bytes;
  }
  if (SIGNED.has(type) || UNSIGNED.has(type)) {
    const whole = BigInt(value as bigint | number);
    const raw = SIGNED.has(type) ? zigzag(whole) : whole;
    const [low, high] = [Number(raw & 0xffffffffn), Number(raw >> 32n)];
    const bytes = new Uint8Array(varint64Size(low, high));
    writeVarint64(bytes, 0, low, high);
    return bytes;
  }
  const bytes = new Uint8Array(WIDTHS[type]);
  const view = new DataView(bytes.buffer);
  if (type === 'float32') view.setFloat32(0, Number(value), true);
  else if (type === 'float64') view.setFloat64(0, Number(value), true);
  else view.setUint8(0, Number(value) & 0xff);
  return bytes;
}

/** One array of all bytes. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
