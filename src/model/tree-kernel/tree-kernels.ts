import type { Ensemble } from '../trees/ensemble.ts';
import { type Floats, floatsOf } from '../trees/float-arrays.ts';
import { bitVectorKernel } from './bit-vector-kernel.ts';
import type { TreeKernel } from './kernel.ts';
import { walkKernel } from './walk-kernel.ts';

/** Trees of so few leaves are never walked faster than their bits are cleared. */
const SURE_LEAVES = 64;
/** Calls of each kernel before it is timed, while V8 still improves its code. */
const WARM_UP = 4;
const TRIALS = 3;

/**
 * The kernel that scores an ensemble's rows fastest, tried on rows ([N, features], row-major) where that is not plain; null where there is
 * none.
 */
export function fastestKernel(ensemble: Ensemble, rowsOf: () => Floats): TreeKernel | null {
  const bits = bitVectorKernel(ensemble);
  if (bits !== null && ensemble.leaves.first.length - 1 <= SURE_LEAVES * ensemble.roots.length) return bits;
  const walk = walkKernel(ensemble);
  if (bits === null || walk === null) return bits ?? walk;
  const rows = rowsOf();
  return timeOf(bits, ensemble, rows) <= timeOf(walk, ensemble, rows) ? bits : walk;
}

function timeOf(kernel: TreeKernel, { features, targets, sums }: Ensemble, rows: Floats): number {
  const count = rows.length / features;
  const into = floatsOf(sums, count * targets);
  for (let i = 0; i < WARM_UP; i++) kernel.sum(rows, count, into);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIALS; i++) {
    const started = performance.now();
    kernel.sum(rows, count, into);
    best = Math.min(best, performance.now() - started);
  }
  return best;
}
