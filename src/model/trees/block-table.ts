import { type BlockPlan, rowWidth, type TabledBlock } from './block-plan.ts';
import type { Ensemble } from './ensemble.ts';
import type { LeafWay, LeafWays } from './leaf-ways.ts';
import type { LeafWorth } from './leaf-worth.ts';

/** What blocks give to features and scores, per index; a row is computed when it is first asked for. */
export class BlockTable {
  readonly values: Float64Array;
  /** 1 for the rows that are there. */
  readonly isMade: Uint8Array;
  private readonly ensemble: Ensemble;
  private readonly ways: LeafWays;
  private readonly worth: LeafWorth;
  /** Of each node in a block which bit of an index says where a row goes; -1 above blocks. */
  private readonly bitOf: Int32Array;
  /** Per feature its place in the row that is being made. */
  private readonly placeOf: Int32Array;
  private readonly fails: Uint8Array;
  private readonly shares: Float64Array;

  constructor(ensemble: Ensemble, plan: BlockPlan, questionOf: Int32Array, ways: LeafWays, worth: LeafWorth) {
    this.values = new Float64Array(plan.values);
    this.isMade = new Uint8Array(plan.rows);
    this.ensemble = ensemble;
    this.ways = ways;
    this.worth = worth;
    this.bitOf = new Int32Array(ensemble.nodes.feature.length).fill(-1);
    this.placeOf = new Int32Array(ensemble.features);
    this.fails = new Uint8Array(ways.depth);
    this.shares = new Float64Array(ways.depth);
    for (const { blocks } of plan.trees)
      for (const { nodes, above, questions } of blocks) {
        const bits = new Map(questions.map((node, i) => [questionOf[node]!, above + i]));
        for (const node of nodes) this.bitOf[node] = bits.get(questionOf[node]!)!;
      }
  }

  /** Computes the row of an index. */
  make(block: TabledBlock, index: number): void {
    const { ensemble, placeOf, values, fails, shares } = this;
    const { leaves } = ensemble;
    const { features, targets } = block;
    const first = block.values + index * rowWidth(block);
    features.forEach((feature, i) => {
      placeOf[feature] = i;
    });
    for (const leaf of block.leaves) {
      const way = this.ways.to(leaf);
      const isReached = this.markFails(way, block.above, index);
      this.worth.of(way, fails, shares);
      for (let i = leaves.first[leaf]!; i < leaves.first[leaf + 1]!; i++) {
        const weight = leaves.weight[i]!;
        const from = first + targets.indexOf(leaves.target[i]!) * (features.length + 1);
        for (let k = 0; k < way.count; k++) values[from + placeOf[way.features[k]!]!]! += weight * shares[k]!;
        if (isReached) values[from + features.length]! += weight;
      }
    }
    this.isMade[block.rows + index] = 1;
  }

  /** Says of each feature of a way whether a row of this index fails it; answers with whether it fails none. */
  private markFails(way: LeafWay, above: number, index: number): boolean {
    const { fails, bitOf } = this;
    let failed = 0;
    for (let k = 0; k < way.count; k++) {
      fails[k] = k < above ? (index >> k) & 1 : 0;
      failed |= fails[k]!;
    }
    for (let step = 0; step < way.steps; step++) {
      const bit = bitOf[way.nodes[step]!]!;
      if (bit < 0 || ((index >> bit) & 1) === way.isLeft[step]) continue;
      fails[way.places[step]!] = 1;
      failed = 1;
    }
    return failed === 0;
  }
}
