import type { ConstantValue } from '../../base/contract/job.ts';

/**
 * What stands behind a line of a draft. `sure`: nothing else is possible, or somebody said so. `guess`: likely, and told; the draft
 * runs. `question`: a wrong answer would change values without any error, so the draft refuses to run until a person has looked.
 */
export type Certainty = 'sure' | 'guess' | 'question';

export interface Remark {
  readonly certainty: Certainty;
  /** One sentence for people; empty for what is sure. */
  readonly text: string;
}

export const SURE: Remark = { certainty: 'sure', text: '' };

export interface DraftFeature extends Remark {
  readonly tensor: string;
  /** The columns, the value that every row gets, or the input whose lists a mask shows. */
  readonly feed:
    | { readonly columns: readonly string[] }
    | { readonly value: ConstantValue }
    | { readonly maskOf: string };
  /** Column -> what is to be said of it. */
  readonly of?: ReadonlyMap<string, string>;
}

export interface DraftOutput {
  readonly column: string;
  readonly tensor: string;
  readonly index?: number;
  /** Said of the line; empty when there is nothing to say. */
  readonly text: string;
}

/** A first binding of a table to a model. */
export interface DraftBinding {
  readonly features: readonly DraftFeature[];
  readonly outputs: readonly DraftOutput[];
  readonly id: Remark & { readonly columns: readonly string[] };
  /** Columns that no input takes although they could, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** What else was decided, for people. */
  readonly notes: readonly string[];
}

/** What a user has said. */
export interface DraftWishes {
  /** Tensor -> columns in the tensor's order; `*` alone: those of the table, in its order. */
  readonly features: ReadonlyMap<string, readonly string[]>;
  /** Columns that are no features. */
  readonly exclude: ReadonlySet<string>;
  /** Empty: guessed. */
  readonly id: readonly string[];
}
