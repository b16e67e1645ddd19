import type { ConstantValue, NullPolicy } from './job.ts';
import type { Dim, TensorType } from './signature.ts';

/** How columns become feeds and fetches become columns: resolved once, kept in the plan, the same for batch and live. */
export interface Binding {
  readonly inputs: readonly BoundInput[];
  readonly outputs: readonly BoundOutput[];
  /** The model's fixed batch, or null when its first axis is open. Short batches are padded to it. */
  readonly fixedBatch: number | null;
  /** The lengths that a row has where the model leaves an axis behind the batch open; left out where it has none. */
  readonly lengths?: readonly BoundLength[];
}

export type BoundInput = BoundColumns | BoundList | BoundSequence | BoundMask | BoundConstant;

/** An input whose values come from columns. */
export type BoundSource = BoundColumns | BoundList | BoundSequence;

/** One length of each row: the lists of all inputs on such an axis are equally long in a row. */
export interface BoundLength {
  /** Steps at most; longer rows are rejected. */
  readonly maxLength: number;
  /** True: rows of several lengths share a batch, and the shorter ones are padded. False: only rows of one length do. */
  readonly isPadded: boolean;
}

/** One or more scalar columns: [N], [N, 1], [N, F] … in column order, row-major. */
export interface BoundColumns {
  readonly kind: 'columns';
  readonly tensor: string;
  readonly type: TensorType;
  /** Axes after the batch; they multiply to the number of columns. Empty for [N]. */
  readonly tail: readonly number[];
  readonly columns: readonly string[];
  readonly nulls: NullPolicy;
}

/** One list column: [N, K], or [N, d1, d2 …] whose lengths multiply to K. */
export interface BoundList {
  readonly kind: 'list';
  readonly tensor: string;
  readonly type: TensorType;
  readonly column: string;
  /** Elements a row. */
  readonly width: number;
  /** Axes after the batch; they multiply to `width`. */
  readonly tail: readonly number[];
  /** For elements and for the list itself (a null list is always a reject unless filled). */
  readonly nulls: NullPolicy;
}

/** One list column of any length: [N, T], or [N, T, d1 …] whose lists hold T steps of d1 … elements. */
export interface BoundSequence {
  readonly kind: 'sequence';
  readonly tensor: string;
  readonly type: TensorType;
  readonly column: string;
  /** Which of `Binding.lengths` T is. */
  readonly length: number;
  /** Elements of a step. */
  readonly step: number;
  /** Axes after the batch; null for T. */
  readonly tail: readonly Dim[];
  /** For elements; a null list is a reject. */
  readonly nulls: NullPolicy;
  /** What stands behind the end of a shorter row of a batch. */
  readonly pad: number | boolean;
}

/** 1 for every step of a row, 0 where it is padded. */
export interface BoundMask {
  readonly kind: 'mask';
  readonly tensor: string;
  readonly type: TensorType;
  /** Which of `Binding.lengths` it shows. */
  readonly length: number;
  /** Axes after the batch; null for T, the others are 1. */
  readonly tail: readonly Dim[];
}

/** The same value for every batch. With a batch axis (`dims[0] === null`) it is repeated for each row. */
export interface BoundConstant {
  readonly kind: 'constant';
  readonly tensor: string;
  readonly type: TensorType;
  readonly dims: readonly Dim[];
  readonly value: ConstantValue;
  /** Which of `Binding.lengths` its open axis behind the batch has; left out where it has none. */
  readonly length?: number;
}

/** One prediction column. `type` is DuckDB's spelling of the column that is written. */
export interface BoundOutput {
  readonly column: string;
  readonly tensor: string;
  readonly tensorType: TensorType;
  /** `reasons` and `contributions`: of the features with the largest contributions the names (places in `labels`), and these. */
  readonly kind: 'scalar' | 'index' | 'argmax' | 'list' | 'reasons' | 'contributions';
  readonly index: number | null;
  readonly labels: readonly (string | number)[] | null;
  readonly type: string;
  /** Of reasons and contributions: how many, of how many features, of which of the targets that lie one after another in a row. */
  readonly top?: { readonly count: number; readonly features: number; readonly target: number };
  /** Of long lists: about how many elements a row has, where its length is open that of a row of usual length. */
  readonly elements?: number;
}

/** Why a row was not scored. */
export interface RejectReason {
  readonly rule: RejectRule;
  /** Source or prediction column; empty when the whole row failed. */
  readonly column: string;
  readonly message: string;
}

/** What a row broke. The rules are listed in docs/rejects.md. */
export type RejectRule =
  | 'null'
  | 'null_list'
  | 'list_length'
  | 'not_finite_cast'
  | 'fraction'
  | 'out_of_range'
  | 'precision'
  | 'not_a_number'
  | 'bad_utf8'
  | 'too_long'
  | 'model_error'
  | 'bad_output'
  | 'malformed'
  | 'bad_value'
  | 'expression'
  | 'unreadable';
