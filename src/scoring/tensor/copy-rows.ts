import type { ElementArray } from '../../model/elements/elements.ts';
import { fromHalfBits } from '../../model/elements/half.ts';

/**
 * Copies `kept` values of each row of `width`, from its value `from` on, to the places of `out` from `to` on. 64-bit integers go as pairs of words:
 * reading one makes a BigInt, which costs more than the model's share of a row.
 */
export function copyRows(
  src: ElementArray,
  width: number,
  from: number,
  kept: number,
  count: number,
  out: ElementArray,
  to: number,
): void {
  if (src instanceof BigInt64Array || src instanceof BigUint64Array) {
    const words = new Int32Array(src.buffer, src.byteOffset, src.length * 2);
    const outWords = new Int32Array(out.buffer, out.byteOffset, out.length * 2);
    copyRows(words, width * 2, from * 2, kept * 2, count, outWords, to * 2);
  } else if (width === kept) {
    (out as Float32Array).set((src as Float32Array).subarray(0, count * width), to);
  } else if (src instanceof Float32Array && out instanceof Float32Array) {
    for (let row = 0; row < count; row++) out[to + row] = src[row * width + from]!;
  } else {
    for (let row = 0; row < count; row++) {
      for (let k = 0; k < kept; k++) out[to + row * kept + k] = src[row * width + from + k]!;
    }
  }
}

/** Makes zeros of NaN and infinities, and tells them by their rows. */
export function zeroNotFinite(
  data: Float32Array | Float64Array,
  start: number,
  count: number,
  kept: number,
  onBad: (row: number, value: number) => void,
): void {
  for (let i = 0; i < count * kept; i++) {
    const value = data[start + i]!;
    if (value - value === 0) continue;
    onBad(Math.floor(i / kept), value);
    data[start + i] = 0;
  }
}

/** Half floats as float32. */
export function widenHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, fromHalfBits);
}
