import { crc32 } from 'node:zlib';
import { Cursor } from './varint.ts';

/** Sizes and limits of the page format (docs/prediction-sets.md). */
export const PAGE = {
  headBytes: 16,
  format: 1,
  targetBytes: 2048,
  nullsFlag: 1,
  originFlag: 2,
  prefixMax: 0xffff,
} as const;

/** Keys longer than this are refused: LMDB takes keys of less than 2 KiB, and pages are to hold many. */
export const MAX_KEY_BYTES = 1024;

/** Where a row's values begin in a page. */
export interface FoundRow {
  readonly origin: number;
  readonly hasNulls: boolean;
  readonly cursor: Cursor;
}

export type Lookup = { readonly kind: 'row'; readonly row: FoundRow } | { readonly kind: 'absent' | 'bad' };

/** What a page says about its rows. */
export interface PageHead {
  readonly bucket: number;
  readonly rows: number;
  /** Bytes that all keys of the page begin with; rows have only the rest. */
  readonly prefixBytes: number;
  readonly hasNulls: boolean;
  readonly hasOrigins: boolean;
}

/** Writes head and CRC of a page that has its prefix and rows from byte 16 on. Owns: the caller. */
export function sealPage(page: Uint8Array, { bucket, rows, prefixBytes, hasNulls, hasOrigins }: PageHead): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  view.setUint8(4, PAGE.format);
  view.setUint8(5, (hasNulls ? PAGE.nullsFlag : 0) | (hasOrigins ? PAGE.originFlag : 0));
  view.setUint16(6, prefixBytes, true);
  view.setUint32(8, bucket, true);
  view.setUint32(12, rows, true);
  view.setUint32(0, crc32(page.subarray(4)), true);
}

/**
 * Finds a key in a page. `bad`: the bytes are not the page of this bucket (torn, foreign, a newer format); readers count
 * that as a miss.
 *
 * Errors: none.
 */
export function findInPage(page: Uint8Array, bucket: number, key: Uint8Array): Lookup {
  const rows = checkHead(page, bucket);
  if (rows < 0) return { kind: 'bad' };
  const hasNulls = (page[5]! & PAGE.nullsFlag) !== 0;
  const hasOrigins = (page[5]! & PAGE.originFlag) !== 0;
  const prefixBytes = page[6]! + page[7]! * 256;
  const walk = new Cursor(page, PAGE.headBytes, page.length);
  if (walk.take(prefixBytes) < 0) return { kind: 'bad' };
  if (!isSame(page, PAGE.headBytes, key, 0, prefixBytes)) return { kind: 'absent' };
  for (let i = 0; i < rows; i++) {
    const size = walk.varint();
    const start = walk.take(size);
    if (size < 0 || start < 0) return { kind: 'bad' };
    if (!startsWithKey(page, start, walk.at, key, prefixBytes)) continue;
    const cursor = new Cursor(page, start, walk.at);
    cursor.take(cursor.varint());
    const origin = hasOrigins ? cursor.varint() : 0;
    return origin < 0 ? { kind: 'bad' } : { kind: 'row', row: { origin, hasNulls, cursor } };
  }
  return { kind: 'absent' };
}

/** Rows of a page, or -1 when it is not the page of this bucket. */
export function checkHead(page: Uint8Array, bucket: number): number {
  if (page.length < PAGE.headBytes) return -1;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  if (view.getUint8(4) !== PAGE.format || view.getUint32(8, true) !== bucket) return -1;
  if (view.getUint32(0, true) !== crc32(page.subarray(4))) return -1;
  return view.getUint32(12, true);
}

function startsWithKey(page: Uint8Array, start: number, end: number, key: Uint8Array, prefixBytes: number): boolean {
  const length = key.length - prefixBytes;
  let at = start + 1;
  if (length < 128) {
    if (page[start] !== length) return false;
  } else {
    const cursor = new Cursor(page, start, end);
    if (cursor.varint() !== length) return false;
    at = cursor.at;
  }
  return at + length <= end && isSame(page, at, key, prefixBytes, length);
}

// Keys of one length often differ near their end, so bytes are compared from there.
function isSame(page: Uint8Array, at: number, key: Uint8Array, from: number, length: number): boolean {
  if (length < 0 || from + length > key.length) return false;
  for (let i = length - 1; i >= 0; i--) if (page[at + i] !== key[from + i]) return false;
  return true;
}
