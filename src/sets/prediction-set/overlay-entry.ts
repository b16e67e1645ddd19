import { crc32 } from 'node:zlib';
import type { PredictionValue, ValueColumn, ValueType } from '../../base/contract/prediction-set.ts';
import { encodeValue, joinBytes, readText, readValue } from './value-codec.ts';
import { elementOf, WIDTHS } from './value-types.ts';
import { Cursor, varintSize, writeVarint } from './varint.ts';

const FORMAT = 1;
const HEAD_BYTES = 24;

/** What is known of a single key's prediction without its values. Times in ms since 1970; `expiresAtMs` 0: never. */
export interface OverlayHead {
  readonly scoredAtMs: number;
  readonly expiresAtMs: number;
}

export interface OverlayFacts extends OverlayHead {
  /** Lower-case hex; empty when not known. */
  readonly modelSha256: string;
  /** Such as `run:<id>` or `write-back`. */
  readonly source: string;
}

export interface OverlayPrediction extends OverlayFacts {
  readonly values: Readonly<Record<string, PredictionValue>>;
}

/**
 * One overlay entry: CRC-32, format, times, model, source, then every value with its name and type. It describes itself, since
 * it outlives the generation whose columns it was written for. Errors: none; the caller has checked the types.
 */
export function encodeOverlay(
  facts: OverlayFacts,
  columns: readonly ValueColumn[],
  values: Readonly<Record<string, PredictionValue>>,
): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint8(4, FORMAT);
  view.setFloat64(8, facts.scoredAtMs, true);
  view.setFloat64(16, facts.expiresAtMs, true);
  const pieces = [
    head,
    encodeValue(facts.modelSha256, 'string'),
    encodeValue(facts.source, 'string'),
    varint(columns.length),
  ];
  for (const { name, type } of columns) {
    const value = values[name] ?? null;
    pieces.push(encodeValue(name, 'string'), encodeValue(type, 'string'), Uint8Array.of(value === null ? 1 : 0));
    if (value !== null) pieces.push(encodeValue(value, type));
  }
  const bytes = joinBytes(pieces);
  new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)), true);
  return bytes;
}

/** Null when the bytes are no entry. Errors: none. */
export function readOverlayHead(bytes: Uint8Array): OverlayHead | null {
  if (bytes.length < HEAD_BYTES || bytes[4] !== FORMAT) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== crc32(bytes.subarray(4))) return null;
  return { scoredAtMs: view.getFloat64(8, true), expiresAtMs: view.getFloat64(16, true) };
}

/** The time of an entry, for stores that compare two; before all times when the bytes are no entry. Not checked by the CRC. */
export function overlayTime(bytes: Uint8Array): number {
  if (bytes.length < HEAD_BYTES || bytes[4] !== FORMAT) return Number.NEGATIVE_INFINITY;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(8, true);
}

/** Null when the bytes are no entry. Errors: none. */
export function readOverlay(bytes: Uint8Array): OverlayPrediction | null {
  const head = readOverlayHead(bytes);
  if (head === null) return null;
  const cursor = new Cursor(bytes, HEAD_BYTES, bytes.length);
  const modelSha256 = readText(cursor);
  const source = readText(cursor);
  const count = cursor.varint();
  if (modelSha256 === undefined || source === undefined || count < 0) return null;
  const values: Record<string, PredictionValue> = Object.create(null);
  for (let i = 0; i < count; i++) {
    const name = readText(cursor);
    const type = readText(cursor);
    const flag = cursor.take(1);
    if (name === undefined || type === undefined || flag < 0 || !isValueType(type)) return null;
    const value = bytes[flag] === 1 ? null : readValue(cursor, type);
    if (value === undefined) return null;
    values[name] = value;
  }
  return { ...head, modelSha256, source, values };
}

function isValueType(type: string): type is ValueType {
  return Object.hasOwn(WIDTHS, elementOf(type as ValueType) ?? type);
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintSize(value));
  writeVarint(bytes, 0, value);
  return bytes;
}
