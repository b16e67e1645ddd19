/** Literals up to here are copied byte by byte: a call costs more. */
const SHORT = 24;
/** A copy of 64 bytes takes three: nothing is packed tighter. */
const MOST_RATIO = 22;

/** Whether so many packed bytes can hold so many: asked before anything is allocated for what a header claims. */
export function isSnappyLength(packed: number, length: number): boolean {
  return length <= packed * MOST_RATIO + 64;
}

/**
 * Unpacks bytes [from, to) of raw Snappy, as Parquet has it, into `out` at `at`; exactly `length` bytes must come of it. By hand, as a
 * call into a library costs more than a page of a tiny row group (docs/decisions/own-code.md).
 *
 * Errors: RangeError for bytes that are no such data, or give another length. Nothing outside of [from, to) is read, and nothing
 * outside of [at, at + length) written.
 */
export function unsnappy(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  length: number,
): void {
  if (to > bytes.length || at + length > out.length) throw damaged();
  let p = from;
  let claimed = 0;
  for (let shift = 0; ; shift += 7) {
    if (p >= to || shift > 28) throw damaged();
    const byte = bytes[p++]!;
    claimed += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (claimed !== length) throw damaged();
  const end = at + length;
  let o = at;
  while (p < to) {
    const tag = bytes[p++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const more = size - 60;
        if (p + more > to) throw damaged();
        size = 1;
        for (let i = 0; i < more; i++) size += bytes[p++]! * 2 ** (8 * i);
      }
      if (p + size > to || o + size > end) throw damaged();
      if (size <= SHORT) for (let i = 0; i < size; i++) out[o + i] = bytes[p + i]!;
      else out.set(bytes.subarray(p, p + size), o);
      p += size;
      o += size;
      continue;
    }
    let size = (tag >> 2) + 1;
    let back: number;
    if (kind === 1) {
      if (p + 1 > to) throw damaged();
      size = ((tag >> 2) & 7) + 4;
      back = ((tag >> 5) << 8) | bytes[p]!;
      p += 1;
    } else if (kind === 2) {
      if (p + 2 > to) throw damaged();
      back = bytes[p]! | (bytes[p + 1]! << 8);
      p += 2;
    } else {
      if (p + 4 > to) throw damaged();
      back = (bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)) >>> 0;
      p += 4;
    }
    if (back === 0 || back > o - at || o + size > end) throw damaged();
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0, s = o - back; i < size; i++) out[o + i] = out[s + i]!;
    o += size;
  }
  if (o !== end) throw damaged();
}

function damaged(): RangeError {
  return new RangeError('Snappy data is damaged');
}
