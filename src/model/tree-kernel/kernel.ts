/** Raw sums of rows, without base and divisor. */
export interface TreeKernel {
  readonly name: 'bit vectors' | 'walk';
  /**
   * Sums of `count` rows at `rows` ([count, features], row-major) go to `sums` ([count, targets]). Owns: both stay the caller's.
   */
  sum(rows: Float32Array | Float64Array, count: number, sums: Float32Array | Float64Array): void;
}
