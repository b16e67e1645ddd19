import type { Ensemble, EnsembleShape } from './ensemble.ts';

/** What a tree operator does with the sums of its leaves. */
export interface OnnxTrees {
  readonly ensemble: Ensemble;
  readonly postTransform: string;
  /** Classes of a classifier, null of a regressor. */
  readonly labels: { readonly integers: readonly number[] } | { readonly texts: readonly string[] } | null;
  /** All weights of a classifier go to one class of two: the sum is the score of the second one. */
  readonly isBinary: boolean;
  readonly allPositive: boolean;
  /** How many base values the file has: ONNX Runtime takes two classes with two of them another way. */
  readonly bases: number;
}

/** The same without the trees. */
export type OnnxShape = Omit<OnnxTrees, 'ensemble'> & { readonly ensemble: EnsembleShape };

/** Why an operator stays with ONNX Runtime. */
export interface NotForTrees {
  readonly why: string;
}
