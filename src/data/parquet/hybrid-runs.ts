/** More bits than a 32-bit word can hold from any bit of its first byte on. */
const MOST_BITS = 24;
/** Bytes behind the data that a reader may touch, whose value does not matter. */
export const HYBRID_PADDING = 8;

/**
 * Reads Parquet's hybrid of runs and bit-packed groups, in which levels and places in a dictionary stand. Each call goes on where the
 * last one ended.
 *
 * Errors: RangeError where the bytes end before the values do, or hold a place that is not in the dictionary.
 */
export class HybridRuns {
  private bytes: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private at = 0;
  private end = 0;
  private bits = 0;
  /** Values left of the run. */
  private left = 0;
  private isPacked = false;
  private value = 0;
  private bitAt = 0;

  /** Begins with bytes [from, to), behind which are `HYBRID_PADDING` more. `view` is over the same bytes. */
  open(bytes: Uint8Array, view: DataView, from: number, to: number, bits: number): void {
    if (bits > MOST_BITS) throw new RangeError(`${bits} bits a value`);
    if (from > to || to + HYBRID_PADDING > bytes.length) throw new RangeError('a page ends too early');
    this.bytes = bytes;
    this.view = view;
    this.at = from;
    this.end = to;
    this.bits = bits;
    this.left = 0;
  }

  /** Whether the next `count` values are all this one. Reads nothing away. */
  isAll(value: number, count: number): boolean {
    if (this.left === 0) this.nextRun();
    return !this.isPacked && this.left >= count && this.value === value;
  }

  /** The next `count` values as they are. */
  values(out: Uint8Array, count: number): void {
    for (let done = 0; done < count; ) {
      if (this.left === 0) this.nextRun();
      const size = Math.min(count - done, this.left);
      if (this.isPacked) {
        const { view, bits } = this;
        const mask = 2 ** bits - 1;
        let bit = this.bitAt;
        for (let i = done; i < done + size; i++, bit += bits)
          out[i] = (view.getUint32(bit >>> 3, true) >>> (bit & 7)) & mask;
        this.bitAt = bit;
      } else out.fill(this.value, done, done + size);
      this.left -= size;
      done += size;
    }
  }

  /** The next `count` values of a dictionary of `size` values of `words` words each, to out[at], out[at + 1] … */
  gather(dictionary: Int32Array, size: number, words: number, out: Int32Array, at: number, count: number): void {
    for (let done = 0; done < count; ) {
      if (this.left === 0) this.nextRun();
      const few = Math.min(count - done, this.left);
      const to = at + done * words;
      if (!this.isPacked) this.repeat(dictionary, size, words, out, to, few);
      else if (words === 1) this.single(dictionary, size, out, to, few);
      else this.double(dictionary, size, out, to, few);
      this.left -= few;
      done += few;
    }
  }

  private repeat(
    dictionary: Int32Array,
    size: number,
    words: number,
    out: Int32Array,
    at: number,
    count: number,
  ): void {
    const { value } = this;
    if (value >= size) throw outside();
    if (words === 1) {
      out.fill(dictionary[value]!, at, at + count);
      return;
    }
    const [low, high] = [dictionary[value * 2]!, dictionary[value * 2 + 1]!];
    for (let i = at; i < at + count * 2; i += 2) {
      out[i] = low;
      out[i + 1] = high;
    }
  }

  private single(dictionary: Int32Array, size: number, out: Int32Array, at: number, count: number): void {
    const { view, bits } = this;
    const mask = 2 ** bits - 1;
    let bit = this.bitAt;
    for (let i = at; i < at + count; i++, bit += bits) {
      const place = (view.getUint32(bit >>> 3, true) >>> (bit & 7)) & mask;
      if (place >= size) throw outside();
      out[i] = dictionary[place]!;
    }
    this.bitAt = bit;
  }

  private double(dictionary: Int32Array, size: number, out: Int32Array, at: number, count: number): void {
    const { view, bits } = this;
    const mask = 2 ** bits - 1;
    let bit = this.bitAt;
    for (let i = at; i < at + count * 2; i += 2, bit += bits) {
      const place = (view.getUint32(bit >>> 3, true) >>> (bit & 7)) & mask;
      if (place >= size) throw outside();
      out[i] = dictionary[place * 2]!;
      out[i + 1] = dictionary[place * 2 + 1]!;
    }
    this.bitAt = bit;
  }

  private nextRun(): void {
    const { bytes, end, bits } = this;
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      if (this.at >= end || shift > 28) throw new RangeError('a page ends too early');
      const byte = bytes[this.at++]!;
      head += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const count = Math.floor(head / 2);
    this.isPacked = head % 2 === 1;
    if (this.isPacked) {
      this.left = count * 8;
      this.bitAt = this.at * 8;
      this.at += count * bits;
    } else {
      const size = (bits + 7) >> 3;
      this.left = count;
      this.value = 0;
      for (let i = 0; i < size; i++) this.value += bytes[this.at + i]! * 2 ** (8 * i);
      this.at += size;
    }
    if (!this.isPacked && this.value >= 2 ** bits) throw new RangeError(`a value of more than ${bits} bits`);
    if (this.left === 0 || this.at > end) throw new RangeError('a page ends too early');
  }
}

function outside(): RangeError {
  return new RangeError('a value is not in its dictionary');
}
