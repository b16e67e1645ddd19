/** A position in bytes that are read; every read checks its bounds. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  /** Moves over `count` bytes and returns where they begin; -1 when there are not that many. */
  take(count: number): number {
    const from = this.at;
    if (count < 0 || count > this.end - from) return -1;
    this.at = from + count;
    return from;
  }

  /** An unsigned LEB128 of at most 32 bits; -1 when there is none. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35 && this.at < this.end; shift += 7) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value > 0xffffffff ? -1 : value;
    }
    return -1;
  }
}

/** Bytes that an unsigned LEB128 takes. */
export function varintSize(value: number): number {
  return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : value < 268435456 ? 4 : 5;
}

/** Writes an unsigned LEB128 (below 2^32); returns the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let to = at;
  while (rest > 127) {
    bytes[to++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[to++] = rest;
  return to;
}
