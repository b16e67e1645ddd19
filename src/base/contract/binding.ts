import type { ConstantValue, NullPolicy } from './job.ts';
import type { Dim, TensorType } from './signature.ts';

/** How columns become feeds and fetches become columns: resolved once, kept in the plan, the same for batch and live. */
export interface Binding {
  readonly inputs: readonly BoundInput[];
  readonly outputs: readonly BoundOutput[];
  /** The model's fixed batch, or null when its first axis is open. Short batches are padded to it. */
  readonly fixedBatch: number | null;
}

export type BoundInput = BoundColumns | BoundList | BoundConstant;

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

/** The same value for every batch. With a batch axis (`dims[0] === null`) it is repeated for each row. */
export interface BoundConstant {
  readonly kind: 'constant';
  readonly tensor: string;
  readonly type: TensorType;
  readonly dims: readonly Dim[];
  readonly value: ConstantValue;
}

/** One prediction column. `type` is DuckDB's spelling of the column that is written. */
export interface BoundOutput {
  readonly column: string;
  readonly tensor: string;
  readonly tensorType: TensorType;
  readonly kind: 'scalar' | 'index' | 'argmax' | 'list';
  readonly index: number | null;
  readonly labels: readonly (string | number)[] | null;
  readonly type: string;
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
