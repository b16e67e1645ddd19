/** First numbers of a bitmap with and without runs of values. */
const [WITHOUT_RUNS, WITH_RUNS] = [12346, 12347];
const DELTA_MAGIC = 1681511377;
/** Of the form that the protocol's example has; big endian. */
const OLD_MAGIC = 1681511376;
/** Containers with runs have no offsets below this count. */
const NO_OFFSETS = 4;
const MOST_IN_ARRAY = 4096;
const BITMAP_BYTES = 8192;

/**
 * The values of a RoaringBitmapArray as Delta writes it, in ascending order: buckets of 2^32 values, each a RoaringBitmap in its portable
 * format. Every value is below `limit` (at most 2^32).
 *
 * Errors: RangeError for bytes that are none, or a value beyond the limit. Source: PROTOCOL.md of Delta, RoaringFormatSpec.
 */
export function readRoaringArray(bytes: Uint8Array, limit: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: Uint32Array[] = [];
  if (view.getUint32(0, true) === DELTA_MAGIC) {
    const buckets = view.getBigUint64(4, true);
    let at = 12;
    for (let i = 0n; i < buckets; i++) {
      if (view.getUint32(at, true) !== 0) throw new RangeError('a row is beyond the end of any file');
      at = readBitmap(view, at + 4, values);
    }
  } else if (view.getUint32(0) === OLD_MAGIC) {
    // Buckets by their place, each behind its length.
    const buckets = view.getUint32(4);
    if (buckets > 1) throw new RangeError('a row is beyond the end of any file');
    if (buckets === 1) readBitmap(view, 12, values);
  } else throw new RangeError('it does not begin as one');
  const all = new Uint32Array(values.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of values) {
    all.set(part, filled);
    filled += part.length;
  }
  for (let i = 0; i < all.length; i++) {
    if (all[i]! >= limit || (i > 0 && all[i]! <= all[i - 1]!))
      throw new RangeError('its rows are not in order or too many');
  }
  return all;
}

/** Adds the values of one bitmap, a container at a time; gives where it ends. */
function readBitmap(view: DataView, start: number, into: Uint32Array[]): number {
  const cookie = view.getUint32(start, true);
  const hasRuns = (cookie & 0xffff) === WITH_RUNS;
  if (!hasRuns && cookie !== WITHOUT_RUNS) throw new RangeError('a bitmap does not begin as one');
  const count = hasRuns ? (cookie >>> 16) + 1 : view.getUint32(start + 4, true);
  if (count > 65_536) throw new RangeError('a bitmap has too many containers');
  const flags = start + 4;
  const heads = hasRuns ? flags + Math.ceil(count / 8) : start + 8;
  let at = heads + 4 * count + (hasRuns && count < NO_OFFSETS ? 0 : 4 * count);
  for (let i = 0; i < count; i++) {
    const high = view.getUint16(heads + 4 * i, true) * 65_536;
    const cardinality = view.getUint16(heads + 4 * i + 2, true) + 1;
    const isRun = hasRuns && (view.getUint8(flags + (i >> 3)) & (1 << (i & 7))) !== 0;
    const values = new Uint32Array(cardinality);
    if (isRun) at = readRuns(view, at, high, values);
    else if (cardinality > MOST_IN_ARRAY) at = readBits(view, at, high, values);
    else {
      for (let j = 0; j < cardinality; j++) values[j] = high + view.getUint16(at + 2 * j, true);
      at += 2 * cardinality;
    }
    into.push(values);
  }
  return at;
}

function readRuns(view: DataView, start: number, high: number, values: Uint32Array): number {
  const runs = view.getUint16(start, true);
  let filled = 0;
  for (let i = 0; i < runs; i++) {
    const first = view.getUint16(start + 2 + 4 * i, true);
    const more = view.getUint16(start + 4 + 4 * i, true);
    if (filled + more + 1 > values.length) throw new RangeError('a container has more values than it says');
    for (let j = 0; j <= more; j++) values[filled++] = high + first + j;
  }
  if (filled !== values.length) throw new RangeError('a container has fewer values than it says');
  return start + 2 + 4 * runs;
}

function readBits(view: DataView, start: number, high: number, values: Uint32Array): number {
  let filled = 0;
  for (let i = 0; i < BITMAP_BYTES; i++) {
    const byte = view.getUint8(start + i);
    for (let bit = 0; bit < 8; bit++) {
      if ((byte & (1 << bit)) === 0) continue;
      if (filled === values.length) throw new RangeError('a container has more values than it says');
      values[filled++] = high + 8 * i + bit;
    }
  }
  if (filled !== values.length) throw new RangeError('a container has fewer values than it says');
  return start + BITMAP_BYTES;
}
