import type { ExactFinding } from '../../base/contract/exact.ts';

/** How two models differ on the same rows. Plain data; what is not finite is null. */
export interface Comparison {
  readonly rows: number;
  /** Rows are made up: nobody gave a table. */
  readonly isMadeUp: boolean;
  readonly outputs: readonly OutputDifference[];
  /** Null where no output tells a class. */
  readonly flips: Flips | null;
  /** Null without labels, or where no output is a score of two classes. */
  readonly auc: {
    readonly output: string;
    readonly parent: number;
    readonly changed: number;
    readonly rows: number;
  } | null;
  readonly speed: readonly Speed[];
  /** How batches must go to each, as a short trial finds. */
  readonly exactness: { readonly parent: ExactFacts; readonly changed: ExactFacts };
}

/** What a short trial says of the bits of rows. */
export type ExactFacts = Pick<ExactFinding, 'policy' | 'why' | 'rows'>;

/** Of each row the largest |difference| of its values counts; max, mean and p99 are over rows. */
export interface OutputDifference {
  readonly name: string;
  readonly max: number | null;
  readonly mean: number | null;
  readonly p99: number | null;
  /** Rows of which any bit differs. */
  readonly differing: number;
  /** Rows in which one of the two gives NaN or an infinity and the other does not. */
  readonly notFinite: number;
}

export interface Flips {
  readonly count: number;
  readonly share: number;
  /** What a row's class was taken from. */
  readonly by: string;
}

/** Rows a second in batches of so many rows, of the best of some runs. */
export interface Speed {
  readonly batchRows: number;
  readonly parent: number;
  readonly changed: number;
}
