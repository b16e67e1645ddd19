import type { RejectRule } from './binding.ts';
import type { CancelSignal } from './live-model.ts';
import type { PredictionValue, ValueColumn } from './prediction-set.ts';

/** Features of one row: names of columns, each once, and in step with them values as JSON gives them, or the texts of a Redis hash. */
export interface FeatureRow {
  readonly names: readonly string[];
  readonly values: readonly unknown[];
}

/** The same from an object. Owns: nothing of it is kept but the values. */
export function featureRow(features: Readonly<Record<string, unknown>>): FeatureRow {
  return { names: Object.keys(features), values: Object.values(features) };
}

/** Whether two rows have the same names in the same order. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}

/** How values of a FeatureRow are written: `json` values, or `text` of a hash, which is parsed by the column's type. */
export type FeatureForm = 'json' | 'text';

export interface JobScoreRequest {
  readonly rows: readonly FeatureRow[];
  readonly form: FeatureForm;
  readonly deadlineMs: number;
  readonly priority: number;
  readonly signal: CancelSignal | null;
  /** As of `InferRequest`. */
  readonly isGathered?: boolean | undefined;
}

/** One row's answer: the values of the job's prediction columns, or why there are none. */
export type RowScore =
  | { readonly values: Readonly<Record<string, PredictionValue>> }
  | {
      readonly rule: RejectRule | 'unknown_feature' | 'bad_feature';
      readonly column: string;
      readonly message: string;
    };

/** Which model a job is scored by. */
export interface ScoringModel {
  readonly name: string;
  readonly version: string | null;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface JobScores {
  /** What scored these rows; the scorer may have another one by now. */
  readonly model: ScoringModel;
  readonly rows: readonly RowScore[];
  readonly queueMs: number;
  readonly computeMs: number;
  readonly batchRows: number;
}

/**
 * Live inference of a job: the same binding, casts, null rules and outputs as in batch, so that both give the same bits.
 */
export interface JobScorer {
  readonly job: string;
  /** The one that scores what is asked for from now on. */
  readonly model: ScoringModel;
  /** Columns that a row may have; the types are DuckDB's, of the source. */
  readonly features: readonly { readonly name: string; readonly type: string }[];
  /** Prediction columns that a row's answer has, as a set stores them. */
  readonly values: readonly ValueColumn[];
  /** Errors: those of `LiveModel.infer`. A row that breaks a rule is an answer of its own, not an error of the request. */
  score(request: JobScoreRequest): Promise<JobScores>;
}
