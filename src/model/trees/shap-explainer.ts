import { type BlockPlan, planBlocks, type TabledBlock } from './block-plan.ts';
import { BlockTable } from './block-table.ts';
import type { Ensemble } from './ensemble.ts';
import { ASKED, FlatPlan } from './flat-plan.ts';
import type { LeafWays } from './leaf-ways.ts';
import type { LeafWorth } from './leaf-worth.ts';
import { goesLeft } from './plain-scores.ts';
import { questionsOf } from './tree-blocks.ts';

const { general: GENERAL, nanLeft: NAN_LEFT } = ASKED;

/** Rows that go through a tree together: its table stays in the processor's cache, and so do their contributions. */
const ROWS = 128;

/**
 * Exact contributions of features to raw scores (TreeSHAP), in double. A tree is cut into blocks of a few leaves; what a block gives to the
 * features depends on few yes and no, and is kept per combination of them, so that most rows only look up and add.
 */
export class ShapExplainer {
  /** What a model answers on average, per target. */
  readonly expected: Float64Array;
  private readonly ensemble: Ensemble;
  private readonly ways: LeafWays;
  private readonly worth: LeafWorth;
  private readonly blocks: readonly TabledBlock[];
  private readonly plan: BlockPlan;
  private readonly flat: FlatPlan;
  private readonly table: BlockTable;
  private readonly slots: Int32Array;
  private readonly fails: Uint8Array;
  private readonly shares: Float64Array;

  /** `worth` says what a leaf gives to the features on its way. */
  constructor(ensemble: Ensemble, ways: LeafWays, worth: LeafWorth, mostValues?: number) {
    this.ensemble = ensemble;
    this.ways = ways;
    this.worth = worth;
    const questions = questionsOf(ensemble);
    this.plan = planBlocks(ensemble, questions, ways, (root) => worth.walkOf(root), mostValues);
    this.blocks = this.plan.trees.flatMap(({ blocks }) => blocks);
    this.flat = new FlatPlan(ensemble, this.plan);
    this.table = new BlockTable(ensemble, this.plan, questions, ways, worth);
    this.slots = new Int32Array(this.flat.mostSlots);
    this.fails = new Uint8Array(ways.depth);
    this.shares = new Float64Array(ways.depth);
    this.expected = worth.average.map((sum, target) => sum / ensemble.divisor + ensemble.base[target]!);
  }

  /**
   * Contributions of rows ([N, features], row-major): [N, targets, features + 1], the last of each target the sum of the leaves that the row
   * reaches, not divided and without base.
   *
   * Owns: `rows` stays the caller's; `out` is overwritten.
   */
  explain(rows: Float32Array | Float64Array, out: Float64Array): void {
    const count = rows.length / this.ensemble.features;
    out.fill(0);
    for (let from = 0; from < count; from += ROWS) {
      const to = Math.min(count, from + ROWS);
      for (let tree = 0; tree < this.plan.trees.length; tree++) {
        const { walk, alone } = this.plan.trees[tree]!;
        if (walk !== null) for (let row = from; row < to; row++) walk.add(rows, row, out);
        else this.addBlocks(tree, rows, from, to, out);
        for (const leaf of alone) for (let row = from; row < to; row++) this.addLeaf(leaf, rows, row, out);
      }
    }
    const { divisor, features } = this.ensemble;
    const stride = features + 1;
    if (divisor === 1) return;
    for (let i = 0; i < out.length; i++) if (i % stride !== features) out[i]! /= divisor;
  }

  private addBlocks(
    tree: number,
    rows: Float32Array | Float64Array,
    from: number,
    to: number,
    out: Float64Array,
  ): void {
    const { ensemble, flat, slots, table } = this;
    const { features, targets } = ensemble;
    const { values, isMade } = table;
    const width = targets * (features + 1);
    const { outs } = flat;
    // One by one: the loops below are run a billion times.
    const { feature: upFeature, threshold: upThreshold, kind: upKind, node: upNode } = flat.upper;
    const { bit: upBit, left: upLeft, right: upRight } = flat.upper;
    const { feature: askFeature, threshold: askThreshold, kind: askKind, node: askNode } = flat.question;
    const { above, question: askedOf, out: outOf, values: valuesOf, rows: rowsOf } = flat.block;
    const [firstUpper, endUpper] = [flat.upperOf[tree]!, flat.upperOf[tree + 1]!];
    const [firstBlock, endBlock] = [flat.blockOf[tree]!, flat.blockOf[tree + 1]!];
    const firstSlot = endUpper - firstUpper;
    for (let row = from; row < to; row++) {
      const at = row * features;
      slots[0] = 0;
      for (let i = firstUpper; i < endUpper; i++) {
        const value = rows[at + upFeature[i]!]!;
        const kind = upKind[i]!;
        const isLeft =
          kind === GENERAL
            ? goesLeft(ensemble, upNode[i]!, value)
            : value <= upThreshold[i]! || (kind === NAN_LEFT && Number.isNaN(value));
        const failed = slots[i - firstUpper]!;
        const bit = upBit[i]!;
        slots[upLeft[i]!] = isLeft ? failed : failed | bit;
        slots[upRight[i]!] = isLeft ? failed | bit : failed;
      }
      for (let b = firstBlock; b < endBlock; b++) {
        let index = slots[firstSlot + b - firstBlock]!;
        const endQuestion = askedOf[b + 1]!;
        for (let i = askedOf[b]!, bit = 1 << above[b]!; i < endQuestion; i++, bit <<= 1) {
          const value = rows[at + askFeature[i]!]!;
          const kind = askKind[i]!;
          const isLeft =
            kind === GENERAL
              ? goesLeft(ensemble, askNode[i]!, value)
              : value <= askThreshold[i]! || (kind === NAN_LEFT && Number.isNaN(value));
          if (isLeft) index |= bit;
        }
        if (isMade[rowsOf[b]! + index] === 0) table.make(this.blocks[b]!, index);
        const firstOut = outOf[b]!;
        const endOut = outOf[b + 1]!;
        let value = valuesOf[b]! + index * (endOut - firstOut);
        const base = row * width;
        for (let i = firstOut; i < endOut; i++) out[base + outs[i]!]! += values[value++]!;
      }
    }
  }

  private addLeaf(leaf: number, rows: Float32Array | Float64Array, row: number, out: Float64Array): void {
    const { ensemble, fails, shares } = this;
    const { features, targets, leaves, nodes } = ensemble;
    const way = this.ways.to(leaf);
    let isReached = true;
    fails.fill(0, 0, way.count);
    for (let step = 0; step < way.steps; step++) {
      const node = way.nodes[step]!;
      if (goesLeft(ensemble, node, rows[row * features + nodes.feature[node]!]!) === (way.isLeft[step] === 1)) continue;
      fails[way.places[step]!] = 1;
      isReached = false;
    }
    this.worth.of(way, fails, shares);
    for (let i = leaves.first[leaf]!; i < leaves.first[leaf + 1]!; i++) {
      const weight = leaves.weight[i]!;
      const from = (row * targets + leaves.target[i]!) * (features + 1);
      for (let k = 0; k < way.count; k++) out[from + way.features[k]!]! += weight * shares[k]!;
      if (isReached) out[from + features]! += weight;
    }
  }
}
