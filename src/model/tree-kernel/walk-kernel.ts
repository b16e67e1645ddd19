import type { Ensemble } from '../trees/ensemble.ts';
import { moduleBytes } from './assembler.ts';
import type { TreeKernel } from './kernel.ts';
import { MemoryPlan } from './memory-plan.ts';
import { ABREAST, NODE, walkCode } from './walk-code.ts';
import { putNodes, walkRules } from './walk-nodes.ts';

/** Rows that go through one tree before the next, so that its nodes stay in the caches meanwhile; fewer where rows are wide. */
const MOST_ROWS = 512;
const BLOCK_BYTES = 2 ** 18;
/** Addresses and sizes are i32; what is larger than this is left to others. */
const MOST_BYTES = 2 ** 30;

type Exports = Readonly<Record<'walk', (root: number, rows: number, end: number, leaves: number) => void>>;

/**
 * Evaluates an ensemble by walking rows down its trees, eight side by side: for trees that are too large for bit vectors, and for categories.
 * Sums are taken in the order and arithmetic of the ensemble.
 *
 * Null where it takes more than a gigabyte.
 */
export function walkKernel(ensemble: Ensemble): TreeKernel | null {
  const { features, targets, values, leaves, nodes, base, baseAdded } = ensemble;
  const valueBytes = values === 'float32' ? 4 : 8;
  const stride = features * valueBytes;
  const fitting = Math.floor(BLOCK_BYTES / stride / ABREAST) * ABREAST;
  const blockRows = Math.min(MOST_ROWS, Math.max(ABREAST, fitting));
  const count = nodes.feature.length + leaves.first.length - 1;
  if ((count + 1) * NODE[values].size + blockRows * stride > MOST_BYTES || features > 2 ** 24) return null;
  const plan = new MemoryPlan(4096);
  const roots = putNodes(plan, ensemble);
  const input = plan.room(blockRows * stride);
  const output = plan.room(blockRows * 4);
  const memory = plan.fill(64);
  const entry = walkCode(values, stride, walkRules(ensemble));
  const module = new WebAssembly.Module(moduleBytes([{ name: 'walk', params: 4, entry }]));
  const code = new WebAssembly.Instance(module, { m: { memory } }).exports as Exports;
  const View = values === 'float32' ? Float32Array : Float64Array;
  const block = new View(memory.buffer, input, blockRows * features);
  const ends = new Int32Array(memory.buffer, output, blockRows);
  return {
    name: 'walk',
    sum(rows, total, into) {
      for (let from = 0; from < total; from += blockRows) {
        const here = Math.min(blockRows, total - from);
        block.set(rows.subarray(from * features, (from + here) * features));
        const end = input + Math.ceil(here / ABREAST) * ABREAST * stride;
        const sums = into.subarray(from * targets, (from + here) * targets);
        if (baseAdded === 'first') for (let i = 0; i < sums.length; i++) sums[i] = base[i % targets]!;
        else sums.fill(0);
        for (const root of roots) {
          code.walk(root, input, end, output);
          addLeaves(ensemble, ends, here, sums);
        }
      }
    },
  };
}

// Storing rounds to the arithmetic of the sums: exact additions of two floats round once.
function addLeaves(ensemble: Ensemble, ends: Int32Array, count: number, sums: Float32Array | Float64Array): void {
  const { targets } = ensemble;
  const { first, target, weight } = ensemble.leaves;
  if (targets === 1) {
    for (let row = 0; row < count; row++) {
      const leaf = ends[row]!;
      for (let i = first[leaf]!; i < first[leaf + 1]!; i++) sums[row] = sums[row]! + weight[i]!;
    }
    return;
  }
  for (let row = 0; row < count; row++) {
    const leaf = ends[row]!;
    for (let i = first[leaf]!; i < first[leaf + 1]!; i++) {
      const at = row * targets + target[i]!;
      sums[at] = sums[at]! + weight[i]!;
    }
  }
}
