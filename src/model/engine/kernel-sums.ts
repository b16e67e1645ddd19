import type { TreeKernel } from '../tree-kernel/kernel.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { type Floats, floatsOf } from '../trees/float-arrays.ts';

/** What a kernel sums up for rows ([N, features]): [N, targets]. Owns: rows stay the caller's. */
export function sumsOf(kernel: TreeKernel, { features, targets, sums }: Ensemble, rows: Floats): Floats {
  const count = rows.length / features;
  const into = floatsOf(sums, count * targets);
  kernel.sum(rows, count, into);
  return into;
}

/** Whether values are those of `whole` from `from` on, in every bit; NaN is as good as another. */
export function hasSameBits(values: ArrayLike<unknown>, whole: ArrayLike<unknown>, from = 0): boolean {
  for (let i = 0; i < values.length; i++) if (!Object.is(values[i], whole[from + i])) return false;
  return true;
}
