import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { fastestKernel } from '../tree-kernel/tree-kernels.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { plainScores } from '../trees/plain-scores.ts';
import { checkRows } from './check-rows.ts';
import { hasSameBits, sumsOf } from './kernel-sums.ts';
import { withNarrow } from './narrow-kernel.ts';

/** A kernel for an ensemble, and for how many rows its sums were compared with the plain ones. */
export interface CheckedKernel {
  readonly kernel: TreeKernel;
  readonly checkedRows: number;
}

/**
 * The fastest kernel whose sums are those of the plain way in every bit, for all check rows; where there is none, the plain way itself, which
 * is slow and right.
 */
export function checkedKernel(ensemble: Ensemble): CheckedKernel {
  const rows = checkRows(ensemble, ensemble.features);
  const checkedRows = rows.length / ensemble.features;
  const bare = {
    ...ensemble,
    divisor: 1,
    baseAdded: 'first' as const,
    ...(ensemble.baseAdded === 'first' ? {} : { base: ensemble.base.map(() => 0) }),
  };
  const expected = plainScores(bare, rows);
  const kernel = fastestKernel(ensemble, () => rows);
  if (kernel !== null && hasSameBits(expected, sumsOf(kernel, ensemble, rows)))
    return { kernel: ensemble.values === 'float64' ? withNarrow(ensemble, kernel) : kernel, checkedRows };
  return {
    kernel: {
      name: 'plain',
      sum: (given, count, sums) => sums.set(plainScores(bare, given.subarray(0, count * ensemble.features))),
    },
    checkedRows,
  };
}
