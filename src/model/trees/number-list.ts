import { ProtoCursor } from '../../base/formats/proto-cursor.ts';

/** Numbers of a list that grows. */
export class NumberList {
  private data = new Float64Array(16);
  private length = 0;

  push(value: number): void {
    if (this.length === this.data.length) this.grow(1);
    this.data[this.length++] = value;
  }

  /** Little-endian float32 values in [start, end). Errors: RangeError where they are no whole number of them. */
  pushFloats(view: DataView, start: number, end: number): void {
    if ((end - start) % 4 !== 0) throw new RangeError('floats of a broken length');
    for (let at = start; at < end; at += 4) this.push(view.getFloat32(at, true));
  }

  /** Signed varints in [start, end). */
  pushVarints(bytes: Uint8Array, start: number, end: number): void {
    const cursor = new ProtoCursor(bytes, start, end);
    while (cursor.nextVarint()) this.push(cursor.signed);
  }

  /**
   * Varints of one or two bytes from `at` on, as long as each stands behind the tag; answers with the place of what is not such a one. Trees have
   * a hundred thousand of them, which one loop reads much faster than fields are.
   */
  pushTagged(bytes: Uint8Array, at: number, tag: number): number {
    let next = at;
    while (next + 2 < bytes.length && bytes[next] === tag) {
      const low = bytes[next + 1]!;
      const high = low < 0x80 ? 0 : bytes[next + 2]!;
      if (high >= 0x80) break;
      this.push(low < 0x80 ? low : low - 0x80 + high * 0x80);
      next += low < 0x80 ? 2 : 3;
    }
    return next;
  }

  /** The same of float32 values. */
  pushTaggedFloats(view: DataView, at: number, tag: number): number {
    let next = at;
    for (; next + 5 <= view.byteLength && view.getUint8(next) === tag; next += 5)
      this.push(view.getFloat32(next + 1, true));
    return next;
  }

  /** A view of what was pushed. */
  values(): Float64Array {
    return this.data.subarray(0, this.length);
  }

  private grow(count: number): void {
    const larger = new Float64Array(2 * (this.length + count));
    larger.set(this.data);
    this.data = larger;
  }
}
