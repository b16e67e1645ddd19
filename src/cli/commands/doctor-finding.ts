type Verdict = 'ok' | 'warn' | 'fail';

/** One line of the report. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
  /** What to do; empty when nothing is. */
  readonly fix: string;
}

/** Does a check and notes what it found; an error is a finding too. */
export type Attempt = (check: string, task: () => Promise<Omit<Finding, 'check'>>) => Promise<void>;
