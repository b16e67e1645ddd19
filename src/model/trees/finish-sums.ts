import type { EnsembleShape } from './ensemble.ts';
import type { Floats } from './float-arrays.ts';

/** Makes sums of leaves ([N, targets]) raw scores, in place: divides them, and adds a base that is added last. Storing rounds. */
export function finishSums({ base, baseAdded, divisor, targets }: EnsembleShape, sums: Floats): void {
  if (divisor !== 1) for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! / divisor;
  if (baseAdded === 'first') return;
  for (let i = 0; i < sums.length; i += targets)
    for (let target = 0; target < targets; target++) sums[i + target] = sums[i + target]! + base[target]!;
}
