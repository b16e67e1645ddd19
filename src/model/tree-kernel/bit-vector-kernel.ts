import type { Ensemble } from '../trees/ensemble.ts';
import { moduleBytes } from './assembler.ts';
import type { PortableKernel } from './kernel.ts';
import { imageOf, instanceOf, type KernelImage } from './kernel-image.ts';
import { type LeafSpan, leafOrder } from './leaf-order.ts';
import { ByteWriter, MemoryPlan } from './memory-plan.ts';
import { BIAS, BLOCK, FAMILY, MAGIC_BITS, MODE, rankCode, SCAN } from './rank-code.ts';
import { type RankedNodes, type RankScan, rankNodes } from './rank-scans.ts';
import { scoreCode } from './score-code.ts';
import { thresholdGrid } from './threshold-grid.ts';

/** A leaf's number is a byte, and 255 says that there is none. */
const MOST_LEAVES = 255;
/** Up to so many thresholds are compared one by one. */
const FEW = 8;

type Exports = Readonly<Record<'rank' | 'score', (at: number) => void>>;

/**
 * Evaluates an ensemble by bit vectors over ranks (QuickScorer, Lucchese 2015; V-QuickScorer, Lucchese 2016; RapidScorer, Ye 2018), sixteen
 * rows an instruction: every value becomes its rank among the thresholds of its feature; every node takes the leaves that a row can no
 * longer reach out of its tree's bits; the lowest bit left is the leaf. Sums are taken in the order and arithmetic of the ensemble.
 *
 * Null where the ensemble is not of this kind: more than 255 leaves a tree, categories, NaN thresholds.
 */
export function bitVectorKernel(ensemble: Ensemble): PortableKernel | null {
  const ranked = rankNodes(ensemble);
  if (ranked === null || ranked.scans.length === 0) return null;
  const { features, targets, values, sums } = ensemble;
  const plan = new MemoryPlan(4096);
  const ranks = plan.room(ranked.columns * BLOCK);
  const leaf = plan.room(BLOCK);
  const scanAt = plan.put(scanRecords(ranked.scans, ensemble, plan, ranks));
  const trees = treeRecords(ensemble, ranked, plan);
  if (trees === null) return null;
  const treeAt = plan.put(trees);
  const valueBytes = values === 'float32' ? 4 : 8;
  const sumBytes = sums === 'float32' ? 4 : 8;
  const input = plan.room(BLOCK * features * valueBytes);
  const output = plan.room(BLOCK * targets * sumBytes);
  const memory = plan.fill(64);
  const rank = rankCode(values, features, scanAt, scanAt + ranked.scans.length * SCAN.size);
  const score = scoreCode(sums, { ranks, trees: treeAt, end: treeAt + trees.length, leaf });
  const code = moduleBytes([
    { name: 'rank', params: 1, entry: rank },
    { name: 'score', params: 1, entry: score },
  ]);
  return bitVectorsOf(imageOf(ensemble, { name: 'bit vectors', input, output, code, memory }), memory);
}

/** The kernel of an image; `memory`: the one that the image lies in, where it is at hand. */
export function bitVectorsOf(image: KernelImage, memory?: WebAssembly.Memory): PortableKernel {
  const { features, targets, values, sums, input, output, start } = image;
  const { exports: code, buffer } = instanceOf<Exports>(image, memory);
  const View = values === 'float32' ? Float32Array : Float64Array;
  const Sums = sums === 'float32' ? Float32Array : Float64Array;
  const block = new View(buffer, input, BLOCK * features);
  const planes = new Sums(buffer, output, BLOCK * targets);
  const isFromZero = start.every((value) => Object.is(value, 0));
  return {
    name: 'bit vectors',
    image,
    sum(rows, count, into) {
      for (let from = 0; from < count; from += BLOCK) {
        const here = Math.min(BLOCK, count - from);
        block.set(rows.subarray(from * features, (from + here) * features));
        planes.fill(0);
        if (!isFromZero) for (let i = 0; i < planes.length; i++) planes[i] = start[Math.floor(i / BLOCK)]!;
        code.rank(input);
        code.score(output);
        if (targets === 1) into.set(planes.subarray(0, here), from);
        else fromPlanes(planes, here, targets, into, from);
      }
    },
  };
}

function fromPlanes(
  planes: Float32Array | Float64Array,
  count: number,
  targets: number,
  into: Float32Array | Float64Array,
  from: number,
): void {
  for (let target = 0; target < targets; target++)
    for (let row = 0; row < count; row++) into[(from + row) * targets + target] = planes[target * BLOCK + row]!;
}

function scanRecords(scans: readonly RankScan[], ensemble: Ensemble, plan: MemoryPlan, ranks: number): Uint8Array {
  const records = new ByteWriter();
  const type = ensemble.values;
  const size = type === 'float32' ? 4 : 8;
  const lanes = 16 / size;
  const spare = plan.room(BLOCK);
  for (const { feature, family, thresholds, low, high } of scans) {
    const table = new ByteWriter();
    for (const threshold of thresholds) table.float(threshold, type);
    // Beyond the last threshold nothing is above one.
    const grid = thresholds.length <= FEW ? null : thresholdGrid(thresholds, type, lanes);
    const vectors = grid === null ? 0 : Math.ceil(grid.most / lanes);
    for (let i = 0; i < vectors * lanes; i++) table.float(Number.POSITIVE_INFINITY, type);
    const cells = grid === null ? 0 : plan.put(grid.below.map((below) => below - BIAS));
    records.i32(feature * size);
    records.i32(grid === null ? MODE.few : vectors === 1 ? MODE.one : MODE.many);
    records.i32(grid === null ? thresholds.length : vectors);
    records.i32(plan.put(table.bytes()));
    records.i32(cells - MAGIC_BITS[type]);
    records.i32(low < 0 ? spare : ranks + low * BLOCK);
    records.i32(high < 0 ? 0 : ranks + high * BLOCK);
    records.i32(FAMILY[family]);
    for (const value of [grid?.scale ?? 0, grid?.offset ?? 0, grid?.last ?? 0]) records.float(value, type).align(8);
    records.align(SCAN.size);
  }
  return records.bytes();
}

function treeRecords(ensemble: Ensemble, ranked: RankedNodes, plan: MemoryPlan): Uint8Array | null {
  const records = new ByteWriter();
  const sizes = new Uint32Array(ensemble.nodes.feature.length);
  for (const root of ensemble.roots) {
    const order = leafOrder(ensemble, root, MOST_LEAVES, sizes);
    if (order === null) return null;
    const groups = Math.ceil(order.leaves.length / 8);
    records.i32(groups);
    for (let group = 0; group < groups; group++) {
      const from = group * 8;
      const rightLost: LeafSpan[] = [];
      const leftLost: LeafSpan[] = [];
      for (const span of order.spans)
        if (span.first < from + 8 && span.end > from) (span.isLeft ? rightLost : leftLost).push(span);
      records.u16(rightLost.length).u16(leftLost.length).u8(from).u8(0).u16(0);
      for (const lost of [rightLost, leftLost])
        for (const { node, isLeft, first, end } of lost) {
          const rank = ranked.rank[node]!;
          const bits = bitsOf(Math.max(0, first - from), Math.min(8, end - from));
          // Left leaves are lost where the rank is above, right ones where the rank is below the next.
          records.i32(ranked.column[node]! | ((((isLeft ? rank : rank + 1) - BIAS) & 0xff) << 16) | (bits << 24));
        }
    }
    const tables = weightTables(ensemble, order.leaves);
    records.i32(tables.size);
    for (const [target, weights] of tables) {
      const table = new ByteWriter();
      for (const weight of weights) table.float(weight, ensemble.sums);
      records.i32(plan.put(table.bytes())).i32(target * BLOCK * (ensemble.sums === 'float32' ? 4 : 8));
    }
  }
  return records.bytes();
}

function bitsOf(from: number, end: number): number {
  return (0xff >> (8 - (end - from))) << from;
}

/** Weights of a tree's leaves by target; a target that only some of them have gets zeros from the others, which change no sum. */
function weightTables(ensemble: Ensemble, order: Int32Array): Map<number, Float64Array> {
  const { first, target, weight } = ensemble.leaves;
  const tables = new Map<number, Float64Array>();
  order.forEach((leaf, position) => {
    for (let i = first[leaf]!; i < first[leaf + 1]!; i++) {
      const table = tables.get(target[i]!) ?? new Float64Array(order.length);
      tables.set(target[i]!, table);
      table[position] = weight[i]!;
    }
  });
  // A tree without any weight still has its leaves counted.
  if (tables.size === 0) tables.set(0, new Float64Array(order.length));
  return tables;
}
