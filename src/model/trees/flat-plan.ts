import type { BlockPlan } from './block-plan.ts';
import { type Ensemble, RULE } from './ensemble.ts';

/** How a node is asked: by its threshold, with NaN to the left or to the right, or in general. */
export const ASKED = { nanRight: 0, nanLeft: 1, general: 2 } as const;

/** Nodes as they are asked, one after another. */
export interface AskedNodes {
  readonly node: Int32Array;
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  /** One of `ASKED`. */
  readonly kind: Uint8Array;
}

/** A plan in typed arrays, for the loop over rows. */
export class FlatPlan {
  /** Upper nodes and blocks of tree t: [upperOf[t], upperOf[t + 1]), [blockOf[t], blockOf[t + 1]). */
  readonly upperOf: Int32Array;
  readonly blockOf: Int32Array;
  readonly upper: AskedNodes & {
    readonly bit: Int32Array;
    /** Slots of the children. */
    readonly left: Int32Array;
    readonly right: Int32Array;
  };
  readonly block: {
    readonly above: Int32Array;
    /** Questions of block b: [question[b], question[b + 1]); values of its rows go to [out[b], out[b + 1]) of `outs`. */
    readonly question: Int32Array;
    readonly out: Int32Array;
    /** Its part of the table: the first value, and the number of its first row. */
    readonly values: Int32Array;
    readonly rows: Int32Array;
  };
  readonly question: AskedNodes;
  readonly outs: Int32Array;
  /** Of all trees: upper nodes, blocks, and one for what nobody reads. */
  readonly mostSlots: number;

  constructor(ensemble: Ensemble, { trees }: BlockPlan) {
    const stride = ensemble.features + 1;
    const blocks = trees.flatMap((tree) => tree.blocks);
    const uppers = trees.flatMap((tree) => tree.upper);
    this.upperOf = ends(trees.map(({ upper }) => upper.length));
    this.blockOf = ends(trees.map((tree) => tree.blocks.length));
    this.mostSlots = 1 + trees.reduce((most, tree) => Math.max(most, tree.upper.length + tree.blocks.length), 1);
    // Leaves on their own have no slot: what they would get goes to the last one.
    const slot = (place: number): number => (place < 0 ? this.mostSlots - 1 : place);
    this.upper = {
      ...asked(
        ensemble,
        uppers.map(({ node }) => node),
      ),
      bit: Int32Array.from(uppers, ({ bit }) => bit),
      left: Int32Array.from(uppers, ({ left }) => slot(left)),
      right: Int32Array.from(uppers, ({ right }) => slot(right)),
    };
    const outs = blocks.map(({ features, targets }) =>
      [...targets].flatMap((target) => [...features, ensemble.features].map((one) => target * stride + one)),
    );
    this.outs = Int32Array.from(outs.flat());
    this.block = {
      above: Int32Array.from(blocks, ({ above }) => above),
      question: ends(blocks.map(({ questions }) => questions.length)),
      out: ends(outs.map((one) => one.length)),
      values: Int32Array.from(blocks, ({ values }) => values),
      rows: Int32Array.from(blocks, ({ rows }) => rows),
    };
    this.question = asked(
      ensemble,
      blocks.flatMap(({ questions }) => [...questions]),
    );
  }
}

function ends(lengths: readonly number[]): Int32Array {
  const all = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    all[i + 1] = all[i]! + length;
  });
  return all;
}

function asked({ nodes }: Ensemble, list: readonly number[]): AskedNodes {
  return {
    node: Int32Array.from(list),
    feature: Int32Array.from(list, (node) => nodes.feature[node]!),
    threshold: Float64Array.from(list, (node) => nodes.threshold[node]!),
    kind: Uint8Array.from(list, (node) => {
      const rule = nodes.rule[node]!;
      if (rule === RULE.nanLeft) return ASKED.nanLeft;
      return rule === RULE.nanRight ? ASKED.nanRight : ASKED.general;
    }),
  };
}
