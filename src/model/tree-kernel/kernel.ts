/** Raw sums of rows: without divisor, and without a base that is added last. */
export interface TreeKernel {
  readonly name: 'bit vectors' | 'walk' | 'plain';
  /**
   * Sums of `count` rows at `rows` ([count, features], row-major) go to `sums` ([count, targets]). Owns: both stay the caller's.
   */
  sum(rows: Float32Array | Float64Array, count: number, sums: Float32Array | Float64Array): void;
}
