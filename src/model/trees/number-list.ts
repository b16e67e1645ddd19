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
