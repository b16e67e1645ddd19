import type { ExactPolicy } from '../../base/contract/exact.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import { sayMany } from '../../base/telemetry/progress-line.ts';
import type { ExactFacts } from '../../scoring/bench/comparison.ts';

const WORDS: Readonly<Record<ExactPolicy, string>> = {
  plain: 'rows get the same bits in batches of every size',
  pad8: 'batches are filled up to multiples of 8 rows, so that rows get the same bits in all of them',
  pad16: 'batches are filled up to multiples of 16 rows, so that rows get the same bits in all of them',
  tiles64: 'rows go to the model 64 at a time, so that they get the same bits in every batch',
};

/** What a policy means. */
export function sayPolicy(policy: ExactPolicy): string {
  return `${policy}: ${WORDS[policy]}`;
}

/** What a short trial found. */
export function sayExactness({ policy, why, rows }: ExactFacts): string {
  if (policy !== null) return `${sayPolicy(policy)} (${sayMany(rows, 'row')} tried; prescore certify tries more)`;
  return why === null || why === 'untried' ? 'not certified: it takes no made-up rows' : sayRowDependence(why);
}
