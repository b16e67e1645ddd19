/**
 * Walks the fields of one protobuf message without an object per field: lists of a hundred thousand numbers are one field each, as trees
 * have them. After `next()`, a length-delimited field lies in [start, end); of the other wire types the number is `value`, raw bits of fixed
 * ones start at `start`.
 *
 * Errors: RangeError on a message that does not parse.
 */
export class ProtoCursor {
  readonly bytes: Uint8Array;
  number = 0;
  wire = 0;
  /** A varint; beyond 2^53 it is rounded. */
  value = 0;
  start = 0;
  end = 0;
  // Of a varint: its lowest 28 bits, and the others.
  private low = 0;
  private high = 0;
  private at: number;
  private readonly limit: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.at = from;
    this.limit = to;
  }

  next(): boolean {
    if (this.at >= this.limit) return false;
    const tag = this.varint();
    // Other readers keep 32 bits of a tag: a longer one would be another field to them.
    if (tag > 0xffffffff) throw new RangeError('field number of more than 29 bits');
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.number === 0) throw new RangeError('field number 0');
    if (this.wire === 0) this.value = this.varint();
    else if (this.wire === 2) this.skip(this.varint(), 'value is longer than its message');
    else if (this.wire === 1 || this.wire === 5) this.skip(this.wire === 1 ? 8 : 4, 'message ends inside a number');
    else throw new RangeError(`wire type ${this.wire}`);
    return true;
  }

  /** Where the next field begins. */
  get position(): number {
    return this.at;
  }

  /** Goes on at a place where a field begins, or at the end. */
  moveTo(at: number): void {
    this.at = at;
  }

  /** The next number of a packed list of varints. */
  nextVarint(): boolean {
    if (this.at >= this.limit) return false;
    this.value = this.varint();
    return true;
  }

  /** The varint as an int64: negative ones take ten bytes. Beyond 2^53 it is rounded. */
  get signed(): number {
    const { high, value } = this;
    return high < 2 ** 35 ? value : (high - 2 ** 36) * 2 ** 28 + this.low;
  }

  /** The field's bytes. Owns: a view of the message. */
  slice(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  private skip(length: number, otherwise: string): void {
    if (length > this.limit - this.at) throw new RangeError(otherwise);
    this.start = this.at;
    this.at += length;
    this.end = this.at;
  }

  private varint(): number {
    const { bytes } = this;
    const first = this.at < this.limit ? bytes[this.at]! : 0x80;
    this.high = 0;
    if (first < 0x80) {
      this.at++;
      return first;
    }
    let low = 0;
    let high = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.limit) throw new RangeError('message ends inside a number');
      const byte = bytes[this.at++]!;
      if (i < 4) low += (byte & 0x7f) * scale;
      else high += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.low = low;
        this.high = high % 2 ** 36;
        return high * 2 ** 28 + low;
      }
      scale = i === 3 ? 1 : scale * 128;
    }
    throw new RangeError('number of more than ten bytes');
  }
}
