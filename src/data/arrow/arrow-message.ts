import type { ArrowPlace, Damage } from './arrow-fault.ts';
import { FlatTable } from './arrow-flatbuffer.ts';
import { ARROW_LIMITS } from './arrow-limits.ts';
import { type ArrowField, decodeSchema } from './arrow-schema.ts';

export type BodyCodec = 'lz4' | 'zstd';

export interface FieldNode {
  readonly rows: number;
  readonly nullCount: number;
}

export interface BufferRange {
  /** Bytes from the start of the body, and stored bytes (compressed or not). */
  readonly offset: number;
  readonly length: number;
}

/** Header of a record batch or dictionary batch: what its body holds, in depth-first order of the fields. */
export interface BatchHeader {
  readonly rows: number;
  readonly nodes: readonly FieldNode[];
  readonly buffers: readonly BufferRange[];
  readonly codec: BodyCodec | null;
  /** Number of data buffers of each view column, in order. */
  readonly viewBuffers: readonly number[];
  readonly bodyLength: number;
  /** Format V4 gives unions a validity buffer, V5 does not. */
  readonly isV4: boolean;
}

export type ArrowMessage =
  | { readonly kind: 'schema'; readonly fields: readonly ArrowField[]; readonly bodyLength: number }
  | { readonly kind: 'batch'; readonly batch: BatchHeader }
  | { readonly kind: 'dictionary'; readonly id: bigint; readonly isDelta: boolean; readonly batch: BatchHeader };

/** The bytes in front of a message's metadata. Files from before Arrow 0.15 have no continuation marker. */
export interface MessagePrefix {
  readonly prefixBytes: 4 | 8;
  /** Bytes of metadata; 0 marks the end of the stream. Negative when damaged. */
  readonly metadataBytes: number;
}

/** Reads a prefix from the first 4 to 8 bytes of a message; null when a continuation marker has nothing behind it. */
export function readPrefix(bytes: Uint8Array): MessagePrefix | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 4) return null;
  const first = view.getInt32(0, true);
  if (first !== -1) return { prefixBytes: 4, metadataBytes: first };
  return view.byteLength < 8 ? null : { prefixBytes: 8, metadataBytes: view.getInt32(4, true) };
}

/**
 * Decodes a message's metadata and checks everything that can be checked without its body: buffers lie in the body, in
 * order and without overlap; counts are not negative and no null count exceeds its rows.
 *
 * Errors: INPUT_UNSUPPORTED (big-endian, unknown type, codec or message, format older than V4), else `damage`.
 */
export function decodeMessage(metadata: Uint8Array, place: ArrowPlace, damage: Damage): ArrowMessage {
  const message = FlatTable.root(metadata, damage);
  const version = message.int16(0, 0);
  if (version !== 3 && version !== 4) throw unknownVersion(version, place, damage);
  const header = message.table(2);
  if (header === null) throw damage('a message has no header');
  const bodyLength = message.size(3);
  const isV4 = version === 3;
  const kind = message.uint8(1, 0);
  if (kind === 1) return { kind: 'schema', fields: decodeSchema(header, place, damage), bodyLength };
  if (kind === 3) return { kind: 'batch', batch: decodeBatch(header, bodyLength, isV4, place, damage) };
  if (kind === 2) {
    const data = header.table(1);
    if (data === null) throw damage('a dictionary batch has no data');
    const batch = decodeBatch(data, bodyLength, isV4, place, damage);
    return { kind: 'dictionary', id: header.int64(0), isDelta: header.bool(2), batch };
  }
  if (kind === 4 || kind === 5) throw place.fault('INPUT_UNSUPPORTED', 'the file holds a tensor');
  throw damage(`a message is of kind ${kind}, which does not exist`);
}

/** The error for a metadata version other than V4 and V5. */
export function unknownVersion(version: number, place: ArrowPlace, damage: Damage): Error {
  if (version < 0 || version > 4) return damage(`the metadata claims format version ${version + 1}`);
  return place.fault('INPUT_UNSUPPORTED', `the file is written in format V${version + 1}`, {
    expected: 'format V4 or V5',
  });
}

function decodeBatch(
  table: FlatTable,
  bodyLength: number,
  isV4: boolean,
  place: ArrowPlace,
  damage: Damage,
): BatchHeader {
  const rows = table.size(0);
  if (rows > ARROW_LIMITS.batchRows) {
    throw place.fault('INPUT_UNSUPPORTED', `a record batch claims ${rows} rows`, {
      expected: `at most ${ARROW_LIMITS.batchRows}`,
    });
  }
  return {
    rows,
    nodes: decodeNodes(table, damage),
    buffers: decodeBuffers(table, bodyLength, damage),
    codec: decodeCodec(table.table(3), place, damage),
    viewBuffers: decodeCounts(table, damage),
    bodyLength,
    isV4,
  };
}

function decodeNodes(table: FlatTable, damage: Damage): FieldNode[] {
  return decodePairs(table, 1, damage).map(([rows, nullCount]) => {
    if (nullCount > rows) throw damage(`a column claims ${nullCount} nulls in ${rows} rows`);
    return { rows, nullCount };
  });
}

function decodeBuffers(table: FlatTable, bodyLength: number, damage: Damage): BufferRange[] {
  let end = 0;
  return decodePairs(table, 2, damage).map(([offset, length], index) => {
    if (offset + length > bodyLength) throw damage(`buffer ${index} lies outside the body of ${bodyLength} bytes`);
    // Writers lay buffers end to end; one that overlaps another has a damaged offset. Empty buffers may point anywhere.
    if (length > 0 && offset < end) throw damage(`buffer ${index} overlaps the one before it`);
    if (length > 0) end = offset + length;
    return { offset, length };
  });
}

function decodePairs(table: FlatTable, slot: number, damage: Damage): [number, number][] {
  const { view, start, count } = table.structs(slot, 16);
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * 16;
    return [toCount(view.getBigInt64(at, true), damage), toCount(view.getBigInt64(at + 8, true), damage)];
  });
}

function decodeCounts(table: FlatTable, damage: Damage): number[] {
  const { view, start, count } = table.structs(4, 8);
  return Array.from({ length: count }, (_, i) => toCount(view.getBigInt64(start + i * 8, true), damage));
}

function decodeCodec(table: FlatTable | null, place: ArrowPlace, damage: Damage): BodyCodec | null {
  if (table === null) return null;
  const codec = table.int8(0, 0);
  if (table.int8(1, 0) !== 0) throw place.fault('INPUT_UNSUPPORTED', 'the body is not compressed buffer by buffer');
  if (codec === 0) return 'lz4';
  if (codec === 1) return 'zstd';
  if (codec < 0) throw damage('the compression of a body is out of range');
  throw place.fault('INPUT_UNSUPPORTED', `the body is compressed with codec number ${codec}`, {
    expected: 'LZ4_FRAME or ZSTD',
  });
}

function toCount(value: bigint, damage: Damage): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw damage('a count in the metadata is negative or too large');
  return Number(value);
}
