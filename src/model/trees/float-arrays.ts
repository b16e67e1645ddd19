/** Values or sums of an ensemble, in the arithmetic that it says. */
export type Floats = Float32Array | Float64Array;

/** So many zeros of a type. */
export function floatsOf(
  type: 'float32' | 'float64',
  length: number,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  return type === 'float32' ? new Float32Array(length) : new Float64Array(length);
}
