import type { Page } from '../../base/contract/prediction-set.ts';
import { PAGE, sealPage } from '../prediction-set/page.ts';
import { Cursor, varintSize, writeVarint } from '../prediction-set/varint.ts';
import { HASH_BYTES } from './row-spool.ts';

export interface BuiltPages {
  readonly pages: readonly Page[];
  readonly bytes: number;
  readonly duplicates: number;
  /** Bytes of the first key that came twice. */
  readonly duplicateKey: Uint8Array | null;
}

/**
 * Packs the rows of one residue into pages: one for every bucket of it, empty ones too, so that a page which is not there is
 * known to be lost. Of rows with the same key the last one stays. Same rows, same bytes.
 *
 * Errors: none. Owns: the caller.
 */
export function buildPages(
  spooled: Uint8Array,
  residue: number,
  residues: number,
  buckets: number,
  flags: RowFlags,
): BuiltPages {
  const rows = indexRows(spooled, residue, residues, buckets);
  const count = buckets / residues;
  const order = sortByBucket(rows, count);
  const table = new TwinTable();
  const pages: Page[] = [];
  let bytes = 0;
  let duplicates = 0;
  let duplicateKey: Uint8Array | null = null;
  let from = 0;
  for (let local = 0; local < count; local++) {
    let to = from;
    while (to < order.length && rows.bucket[order[to]!] === local) to++;
    const twins = markTwins(spooled, rows, order, from, to, table);
    duplicates += twins.count;
    duplicateKey ??= twins.key;
    const bucket = local * residues + residue;
    const page = packPage(spooled, rows, order, from, to, bucket, flags);
    pages.push({ bucket, bytes: page });
    bytes += page.length;
    from = to;
  }
  return { pages, bytes, duplicates, duplicateKey };
}

interface RowIndex {
  readonly count: number;
  /** Where a row's length prefix begins, and where the row ends. A row that a later one replaces gets end = start. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly hash: Uint32Array;
  readonly bucket: Int32Array;
  readonly keyAt: Int32Array;
  readonly keyBytes: Int32Array;
}

/** What is the same for all rows of a generation. */
export interface RowFlags {
  readonly hasNulls: boolean;
  readonly hasOrigins: boolean;
}

function indexRows(spooled: Uint8Array, residue: number, residues: number, buckets: number): RowIndex {
  const cursor = new Cursor(spooled, 0, spooled.length);
  let capacity = Math.max(16, Math.floor(spooled.length / 24));
  let start = new Int32Array(capacity);
  let end = new Int32Array(capacity);
  let hash = new Uint32Array(capacity);
  let count = 0;
  while (cursor.at < cursor.end) {
    if (count === capacity) {
      capacity *= 2;
      start = grown(start, new Int32Array(capacity));
      end = grown(end, new Int32Array(capacity));
      hash = grown(hash, new Uint32Array(capacity));
    }
    hash[count] = cursor.view.getUint32(cursor.at, true);
    cursor.at += HASH_BYTES;
    start[count] = cursor.at;
    cursor.take(cursor.varint());
    end[count] = cursor.at;
    count++;
  }
  const bucket = new Int32Array(count);
  const keyAt = new Int32Array(count);
  const keyBytes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    bucket[i] = ((hash[i]! % buckets) - residue) / residues;
    cursor.at = start[i]!;
    cursor.varint();
    keyBytes[i] = cursor.varint();
    keyAt[i] = cursor.at;
  }
  return { count, start, end, hash, bucket, keyAt, keyBytes };
}

function grown<T extends Int32Array | Uint32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

// A counting sort: stable, so rows of a bucket stay in the order in which they came.
function sortByBucket(rows: RowIndex, buckets: number): Int32Array {
  const next = new Int32Array(buckets + 1);
  for (let i = 0; i < rows.count; i++) next[rows.bucket[i]! + 1]!++;
  for (let b = 0; b < buckets; b++) next[b + 1]! += next[b]!;
  const order = new Int32Array(rows.count);
  for (let i = 0; i < rows.count; i++) order[next[rows.bucket[i]!]!++] = i;
  return order;
}

function markTwins(
  spooled: Uint8Array,
  rows: RowIndex,
  order: Int32Array,
  from: number,
  to: number,
  table: TwinTable,
): { readonly count: number; readonly key: Uint8Array | null } {
  let count = 0;
  let key: Uint8Array | null = null;
  table.clear(to - from);
  for (let i = from; i < to; i++) {
    const row = order[i]!;
    const earlier = table.replace(row, rows, spooled);
    if (earlier < 0) continue;
    key ??= keyOf(spooled, rows, earlier).slice();
    rows.end[earlier] = rows.start[earlier]!;
    count++;
  }
  return { count, key };
}

/** Open addressing from the key of a row to the row that has it now; used again for every bucket. */
class TwinTable {
  private slots = new Int32Array(256).fill(-1);
  private mask = 255;

  clear(rows: number): void {
    let size = 16;
    while (size < rows * 2) size *= 2;
    if (size > this.slots.length) this.slots = new Int32Array(size);
    this.mask = size - 1;
    this.slots.fill(-1, 0, size);
  }

  /** Puts a row; gives the earlier one with the same key, or -1. */
  replace(row: number, rows: RowIndex, spooled: Uint8Array): number {
    const { slots, mask } = this;
    const hash = rows.hash[row]!;
    // The low bits have chosen the bucket; the others tell its rows apart.
    let slot = Math.imul(hash, 0x9e3779b1) >>> 8;
    for (;;) {
      slot &= mask;
      const there = slots[slot]!;
      if (there < 0) break;
      if (rows.hash[there] === hash && isSameKey(spooled, rows, there, row)) {
        slots[slot] = row;
        return there;
      }
      slot++;
    }
    slots[slot] = row;
    return -1;
  }
}

function isSameKey(spooled: Uint8Array, { keyAt, keyBytes }: RowIndex, a: number, b: number): boolean {
  const length = keyBytes[a]!;
  if (length !== keyBytes[b]) return false;
  const [left, right] = [keyAt[a]!, keyAt[b]!];
  for (let i = length - 1; i >= 0; i--) if (spooled[left + i] !== spooled[right + i]) return false;
  return true;
}

function keyOf(spooled: Uint8Array, { keyAt, keyBytes }: RowIndex, row: number): Uint8Array {
  return spooled.subarray(keyAt[row]!, keyAt[row]! + keyBytes[row]!);
}

function packPage(
  spooled: Uint8Array,
  rows: RowIndex,
  order: Int32Array,
  from: number,
  to: number,
  bucket: number,
  flags: RowFlags,
): Uint8Array {
  const { start, end, keyAt, keyBytes } = rows;
  const kept: number[] = [];
  for (let i = from; i < to; i++) if (end[order[i]!]! > start[order[i]!]!) kept.push(order[i]!);
  const prefixBytes = commonPrefix(spooled, rows, kept);
  let size: number = PAGE.headBytes + prefixBytes;
  for (const row of kept) size += rowBytes(rows, row, prefixBytes);
  const page = new Uint8Array(size);
  let at: number = PAGE.headBytes;
  const first = kept[0];
  if (first !== undefined) for (let b = 0; b < prefixBytes; b++) page[at++] = spooled[keyAt[first]! + b]!;
  for (const row of kept) {
    const suffix = keyBytes[row]! - prefixBytes;
    const rest = keyAt[row]! + keyBytes[row]!;
    at = writeVarint(page, at, varintSize(suffix) + suffix + end[row]! - rest);
    at = writeVarint(page, at, suffix);
    for (let b = rest - suffix; b < end[row]!; b++) page[at++] = spooled[b]!;
  }
  sealPage(page, { bucket, rows: kept.length, prefixBytes, ...flags });
  return page;
}

function rowBytes({ end, keyAt, keyBytes }: RowIndex, row: number, prefixBytes: number): number {
  const suffix = keyBytes[row]! - prefixBytes;
  const size = varintSize(suffix) + suffix + end[row]! - keyAt[row]! - keyBytes[row]!;
  return varintSize(size) + size;
}

function commonPrefix(spooled: Uint8Array, { keyAt, keyBytes }: RowIndex, kept: readonly number[]): number {
  const first = kept[0];
  if (first === undefined) return 0;
  let length = Math.min(keyBytes[first]!, PAGE.prefixMax);
  for (const row of kept) {
    length = Math.min(length, keyBytes[row]!);
    for (let b = 0; b < length; b++) if (spooled[keyAt[row]! + b] !== spooled[keyAt[first]! + b]) length = b;
  }
  return length;
}
