/**
 * A tree ensemble as plain arrays: what every reader fills and every evaluator takes. All trees share the arrays.
 *
 * A child below zero is a leaf: `~child` is its number. Trees are summed in the order of `roots`, in `sums` arithmetic (float32: every
 * addition is rounded), which is part of what a model answers.
 */
export interface Ensemble {
  /** Values a row has. */
  readonly features: number;
  /** In which arithmetic values are compared: thresholds of float32 are exact floats, and values are floats before they come here. */
  readonly values: 'float32' | 'float64';
  /** In which arithmetic leaves are added. */
  readonly sums: 'float32' | 'float64';
  /** Raw scores a row gets. */
  readonly targets: number;
  /** Root of each tree, in the order in which they are added. */
  readonly roots: Int32Array;
  readonly nodes: EnsembleNodes;
  readonly leaves: EnsembleLeaves;
  /** Category sets, 32 categories a word; see `EnsembleNodes.threshold`. */
  readonly categories: CategorySets;
  /** One per target. */
  readonly base: Float64Array;
  /** `first`: sums begin with the base (XGBoost); `last`: it is added to the sum (ONNX, and where there is none). */
  readonly baseAdded: 'first' | 'last';
  /** What a sum is divided by before the base is added; 1 for sums. */
  readonly divisor: number;
}

/** What is known of an ensemble beside its trees. */
export type EnsembleShape = Pick<
  Ensemble,
  'features' | 'targets' | 'values' | 'sums' | 'base' | 'baseAdded' | 'divisor'
>;

export interface EnsembleNodes {
  readonly feature: Int32Array;
  /** A value goes left where it is at most this; for `RULE.category` the number of its set, and members go left. */
  readonly threshold: Float64Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** One of `RULE` per node. */
  readonly rule: Uint8Array;
  /** Training weight below a node, for TreeSHAP; null where the file has none. */
  readonly cover: Float64Array | null;
}

export interface EnsembleLeaves {
  /** Leaf i adds weights [first[i], first[i + 1]). */
  readonly first: Int32Array;
  readonly target: Int32Array;
  readonly weight: Float64Array;
  readonly cover: Float64Array | null;
  /** What a trainer calls each leaf in its tree; null where the file numbers none (ONNX). */
  readonly number: Int32Array | null;
}

export interface CategorySets {
  /** Words of set i: [first[i], first[i + 1]). */
  readonly first: Int32Array;
  readonly words: Uint32Array;
}

/** What a node does with values that no threshold places. */
export const RULE = {
  /** NaN goes left. */
  nanLeft: 0,
  /** NaN goes right. */
  nanRight: 1,
  /** NaN is compared as zero (LightGBM, missing type none). */
  nanAsZero: 2,
  /** NaN and values within 1e-35 of zero go left (LightGBM, missing type zero). */
  zeroLeft: 3,
  /** The same to the right. */
  zeroRight: 4,
  /** Whole part in the set goes left; NaN, values below zero and categories beyond the set go right (LightGBM). */
  category: 5,
  /** The same, but what is no category goes left: NaN, anything below zero, beyond the set (XGBoost). */
  categoryElseLeft: 6,
  /** The same, but NaN goes right. */
  categoryElseLeftNanRight: 7,
} as const;

/** LightGBM's kZeroThreshold (include/LightGBM/meta.h), a float there. */
export const ZERO_BAND = Math.fround(1e-35);
