import type { Ensemble, EnsembleShape } from '../trees/ensemble.ts';

/** A model as its trainer saved it, read whole. */
export interface NativeModel {
  readonly ensemble: Ensemble;
  readonly kind: 'lightgbm' | 'xgboost' | 'catboost';
  /** In the order of the ensemble's features; null where the file names none. */
  readonly featureNames: readonly string[] | null;
  /** Features whose value is the place of a category in a list of the file; -1 or anything beyond it is an unknown category. */
  readonly categories: readonly FeatureCategories[];
  /**
   * Lists of categories that the file has without saying which features they belong to (in the order of the table's categorical columns);
   * empty nearly always.
   */
  readonly looseCategories: readonly (readonly CategoryValue[])[];
  /** Features that the file marks as categorical, those with a list and those whose values are numbers of categories. */
  readonly categorical: readonly number[];
  /** As the file says it, such as `binary:logistic`; empty where there is none (an objective of the user's own). */
  readonly objective: string;
  readonly outputs: NativeOutputs;
  /** Labels of the classes in order; null where there are no classes, or the file does not keep them (0, 1, ...). */
  readonly classes: readonly CategoryValue[] | null;
  readonly rounds: NativeRounds;
}

/** What is asked of a model when its trees were summed: the same without the trees. */
export type NativeShape = Pick<NativeModel, 'featureNames' | 'categories' | 'outputs' | 'classes'> & {
  readonly ensemble: EnsembleShape;
};

export type CategoryValue = string | number | boolean | null;

export interface FeatureCategories {
  readonly feature: number;
  /** The value of a row is the place of its category in here. */
  readonly values: readonly CategoryValue[];
}

/** How raw scores become what the trainer's `predict` answers. */
export interface NativeOutputs {
  /** Raw scores are divided by this before the transform (LightGBM's random forests); 1 otherwise. */
  readonly average: number;
  readonly transform: NativeTransform;
  /** In which arithmetic the trainer transforms. */
  readonly arithmetic: 'float32' | 'float64';
  /** Number of classes; 0 where the answer is a value. One raw score and two classes: the score is of the second. */
  readonly classes: number;
  /** The second of two classes is answered where the raw score is above this; undefined: where its probability is above a half. */
  readonly border?: number;
}

export type NativeTransform =
  | { readonly kind: 'identity' }
  /** `1 / (1 + exp(-slope * raw))`, of each raw score on its own. */
  | { readonly kind: 'sigmoid'; readonly slope: number }
  | { readonly kind: 'softmax' }
  | { readonly kind: 'exp' }
  /** `log(1 + exp(raw))` */
  | { readonly kind: 'log1pExp' }
  /** `sign(raw) * raw * raw` */
  | { readonly kind: 'signedSquare' }
  /** 1 where raw is above zero, else 0 (hinge losses, which give no probability). */
  | { readonly kind: 'step' };

/** Rounds of boosting: how many the file holds, and how many of them, from the first, its trainer's `predict` uses. */
export interface NativeRounds {
  readonly inFile: number;
  readonly used: number;
}
