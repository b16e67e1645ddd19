/** What one case of a proof showed. `fault` is empty when all was as promised. */
export interface Outcome {
  readonly index: number;
  readonly fault: string;
}

/** An outcome and what was done, in words. */
export interface SaidOutcome extends Outcome {
  readonly say: string;
}

/** Which cases of a proof to play; a case follows from seed and number alone. */
export interface ProofOptions<T extends Outcome> {
  readonly seed: number;
  readonly cases: readonly number[];
  /** Where what they write lies; a case that shows a fault stays there. */
  readonly folder: string;
  readonly onOutcome: (outcome: T) => void;
}
