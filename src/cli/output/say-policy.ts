import type { ExactPolicy } from '../../base/contract/exact.ts';

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
