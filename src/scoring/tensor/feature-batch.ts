/**
 * Rows of features as the packer takes them: a batch of DuckDB's, or the rows of one live request. Both have the carriers of
 * `SourceKind`, so that one packer makes the same feeds of both.
 */
export interface FeatureBatch {
  readonly rows: number;
  column(index: number): FeatureVector;
  /** One text; null where the row is null. */
  text(index: number, row: number): string | null;
}

/** One column of a batch. Values of null rows are garbage. Owns: whoever made the batch. */
export interface FeatureVector {
  /** Bit i (low bit first) is 1 where row i is valid; null when every row is. */
  validity(): Uint8Array | null;
  f32(): Float32Array;
  f64(): Float64Array;
  i32(): Int32Array;
  /** Two words a row, low word first. */
  words64(): Int32Array;
  /**
   * Four words a row, equal only for equal texts of the batch; with a first word of 12 or less equal only for equal texts at all
   * (DuckDB's string_t).
   */
  stringWords(): Uint32Array;
  /** Four words a row: offset low and high, length low and high, counted in elements of `child`. */
  list(): { readonly entries: Uint32Array; readonly child: FeatureVector };
}
