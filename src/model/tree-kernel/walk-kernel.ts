import { type Ensemble, RULE } from '../trees/ensemble.ts';
import { moduleBytes } from './assembler.ts';
import type { TreeKernel } from './kernel.ts';
import { ByteWriter, MemoryPlan } from './memory-plan.ts';
import { ABREAST, FLAG, NODE, walkCode } from './walk-code.ts';

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
  const sets = plan.put(new Uint8Array(ensemble.categories.words.slice().buffer));
  const { bytes, roots } = nodeRecords(ensemble, sets, plan.next);
  plan.put(bytes);
  const input = plan.room(blockRows * stride);
  const output = plan.room(blockRows * 4);
  const memory = plan.fill(64);
  const rules = new Set(nodes.rule);
  const has = (...some: number[]): boolean => some.some((rule) => rules.has(rule));
  const entry = walkCode(values, stride, {
    missingLeft: has(RULE.nanLeft, RULE.zeroLeft, RULE.categoryElseLeft, RULE.categoryElseLeftNanRight),
    zeros: has(RULE.nanAsZero, RULE.zeroLeft, RULE.zeroRight),
    categories: has(RULE.category, RULE.categoryElseLeft, RULE.categoryElseLeftNanRight),
  });
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

// Nodes of each tree in the order in which a walk to the left meets them. `at`: the address of the first.
function nodeRecords(ensemble: Ensemble, sets: number, at: number): { bytes: Uint8Array; roots: number[] } {
  const { nodes, values } = ensemble;
  const { size } = NODE[values];
  const records = new ByteWriter();
  const roots: number[] = [];
  const patches: { record: number; child: number }[] = [];
  for (const root of ensemble.roots) {
    roots.push(at + records.length);
    patches.push({ record: -1, child: root });
    for (let top = patches.pop(); top !== undefined; top = patches.pop()) {
      let { child } = top;
      if (top.record >= 0) records.patchI32(top.record + NODE[values].right, at + records.length);
      while (child >= 0) {
        patches.push({ record: records.length, child: nodes.right[child]! });
        writeNode(records, ensemble, child, sets);
        child = nodes.left[child]!;
      }
      const leaf = at + records.length;
      records.float(Number.NaN, values).i32(0).i32(leaf).i32(~child).align(size);
    }
  }
  return { bytes: records.bytes(), roots };
}

function writeNode(records: ByteWriter, ensemble: Ensemble, node: number, sets: number): void {
  const { nodes, values, categories } = ensemble;
  const valueBytes = values === 'float32' ? 4 : 8;
  const rule = nodes.rule[node]!;
  const threshold = nodes.threshold[node]!;
  const isSet = rule >= RULE.category;
  const first = isSet ? categories.first[threshold]! : 0;
  if (isSet) records.i32(sets + 4 * first).align(valueBytes);
  else records.float(threshold, values);
  records.i32(((nodes.feature[node]! * valueBytes) << FLAG.bits) | FLAGS[rule]!);
  records
    .i32(0)
    .i32(isSet ? 32 * (categories.first[threshold + 1]! - first) : 0)
    .align(NODE[values].size);
}

const FLAGS: Readonly<Record<number, number>> = {
  [RULE.nanLeft]: FLAG.left,
  [RULE.nanRight]: 0,
  [RULE.nanAsZero]: FLAG.asZero,
  [RULE.zeroLeft]: FLAG.zero | FLAG.left,
  [RULE.zeroRight]: FLAG.zero,
  [RULE.category]: FLAG.category,
  [RULE.categoryElseLeft]: FLAG.category | FLAG.left | FLAG.asZero,
  [RULE.categoryElseLeftNanRight]: FLAG.category | FLAG.left | FLAG.asZero | FLAG.zero,
};
