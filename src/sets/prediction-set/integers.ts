import type { Cursor } from './varint.ts';

/** Bytes of a 64-bit unsigned number, given as two 32-bit halves, as LEB128: 1 to 10. */
export function varint64Size(low: number, high: number): number {
  if (high === 0) return low < 0x80 ? 1 : low < 0x4000 ? 2 : low < 0x200000 ? 3 : low < 0x10000000 ? 4 : 5;
  // Bits above the 28 of the first four groups: 4 of the low half, then the high one.
  return high < 0x8 ? 5 : high < 0x400 ? 6 : high < 0x20000 ? 7 : high < 0x1000000 ? 8 : high < 0x80000000 ? 9 : 10;
}

/** Writes it; returns the position after it. */
export function writeVarint64(out: Uint8Array, start: number, lowHalf: number, highHalf: number): number {
  let at = start;
  let low = lowHalf;
  let high = highHalf;
  while (high !== 0 || low > 127) {
    out[at++] = (low & 127) | 128;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  out[at++] = low;
  return at;
}

/** Reads an unsigned LEB128 of at most 64 bits; undefined when there is none. */
export function readVarint64(cursor: Cursor): bigint | undefined {
  const first = cursor.take(1);
  if (first < 0) return undefined;
  const byte = cursor.bytes[first]!;
  // Labels and counts are small: no arithmetic on bigints for them.
  if (byte < 128) return BigInt(byte);
  let value = BigInt(byte & 127);
  for (let shift = 7n; shift < 70n; shift += 7n) {
    const at = cursor.take(1);
    if (at < 0) return undefined;
    const next = cursor.bytes[at]!;
    value |= BigInt(next & 127) << shift;
    if (next < 128) return value > 0xffffffffffffffffn ? undefined : value;
  }
  return undefined;
}

/** Signed numbers as unsigned ones, small ones small: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
export function zigzag(value: bigint): bigint {
  return value < 0n ? -value * 2n - 1n : value * 2n;
}

export function unzigzag(value: bigint): bigint {
  return (value & 1n) === 1n ? -(value + 1n) / 2n : value / 2n;
}
