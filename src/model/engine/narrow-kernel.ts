import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { fastestKernel } from '../tree-kernel/tree-kernels.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { nextDownFloat } from '../trees/float-steps.ts';
import { checkRows } from './check-rows.ts';
import { hasSameBits, sumsOf } from './kernel-sums.ts';

/** Fewer rows are not worth another kernel. */
const FEWEST_ROWS = 1024;

/**
 * A kernel over float64 values that goes through one over float32 where all values of a batch are floats anyway, as those of most tables are:
 * `x <= t` is the same for the largest float that is not above t. The narrow one is made with the first such batch, and used only if it
 * gives the sums of the wide one in every bit for all check rows.
 */
export function withNarrow(ensemble: Ensemble, wide: TreeKernel): TreeKernel {
  const { features } = ensemble;
  let narrow: TreeKernel | null | undefined;
  let floats = new Float32Array(0);
  return {
    name: wide.name,
    ...(wide.image === undefined ? {} : { image: wide.image }),
    sum(rows, count, sums) {
      if (count < FEWEST_ROWS || narrow === null) {
        wide.sum(rows, count, sums);
        return;
      }
      const length = count * features;
      if (floats.length < length) floats = new Float32Array(length);
      if (!copyExactly(rows, floats, length)) {
        wide.sum(rows, count, sums);
        return;
      }
      narrow ??= checkedNarrow(ensemble, wide);
      (narrow ?? wide).sum(narrow === null ? rows : floats, count, sums);
    },
  };
}

function checkedNarrow(ensemble: Ensemble, wide: TreeKernel): TreeKernel | null {
  const twin: Ensemble = {
    ...ensemble,
    values: 'float32',
    nodes: { ...ensemble.nodes, threshold: ensemble.nodes.threshold.map(floatAtMost) },
  };
  const rows = checkRows(twin, twin.features);
  const kernel = fastestKernel(twin, () => rows);
  if (kernel === null) return null;
  const expected = sumsOf(wide, ensemble, Float64Array.from(rows));
  return hasSameBits(expected, sumsOf(kernel, twin, rows)) ? kernel : null;
}

// Numbers of category sets are small whole numbers, which stay as they are.
function floatAtMost(value: number): number {
  const nearest = Math.fround(value);
  return nearest > value ? nextDownFloat(nearest) : nearest;
}

function copyExactly(from: Float32Array | Float64Array, to: Float32Array, length: number): boolean {
  let isExact = true;
  for (let i = 0; i < length; i++) {
    const value = from[i]!;
    to[i] = value;
    if (to[i] !== value && !Number.isNaN(value)) isExact = false;
  }
  return isExact;
}
