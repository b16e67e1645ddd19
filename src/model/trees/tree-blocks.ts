import type { Ensemble } from './ensemble.ts';

/** A part of a tree in which a row's contributions depend on a few yes and no alone. */
export interface Block {
  /** Its inner nodes and its leaves. */
  readonly nodes: readonly number[];
  readonly leaves: readonly number[];
  /** Features that are asked for above it: bits 0 to `above - 1` of its index say which of them fail. */
  readonly above: number;
  /** A node of each different question in it; whether a row goes left at question i is bit `above + i`. */
  readonly questions: readonly number[];
}

/** A node above the blocks of a tree. */
export interface UpperNode {
  readonly node: number;
  /** Bit of its feature among those that are asked for above; 0 where nothing below wants to know it. */
  readonly bit: number;
  /** Places of its children among upper nodes and, behind them, blocks; -1 for leaves on their own. */
  readonly left: number;
  readonly right: number;
}

export interface TreeBlocks {
  /** Parents before children, the root first. */
  readonly upper: readonly UpperNode[];
  readonly blocks: readonly Block[];
  /** Leaves that no block takes. */
  readonly alone: readonly number[];
}

/** Question of each node: equal for nodes that send every row the same way. */
export function questionsOf({ nodes }: Ensemble): Int32Array {
  const known = new Map<string, number>();
  return Int32Array.from(nodes.feature, (feature, node) => {
    const key = `${feature} ${nodes.rule[node]} ${nodes.threshold[node]}`;
    const found = known.get(key) ?? known.size;
    known.set(key, found);
    return found;
  });
}

/** Cuts a tree into the largest blocks whose index has at most `bits` bits; of a single leaf, `leafBits`. */
export function blocksOf(
  ensemble: Ensemble,
  root: number,
  questions: Int32Array,
  bits: number,
  leafBits: number,
): TreeBlocks {
  const { nodes } = ensemble;
  const upper: { node: number; bit: number; left: number; right: number }[] = [];
  const blocks: Block[] = [];
  const alone: number[] = [];
  const asked = askedBelow(ensemble, root, questions, bits);
  const below = (at: number): ReadonlyMap<number, number> | null => (at < 0 ? NOTHING : (asked.get(at) ?? null));
  const open: { at: number; features: readonly number[]; link: (place: number) => void }[] = [
    { at: root, features: [], link: () => undefined },
  ];
  // Blocks are numbered behind upper nodes, of which it is known only at the end how many there are.
  const late: (() => void)[] = [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, features, link } = next;
    const inner = below(at);
    if (inner !== null && features.length + inner.size <= (at < 0 ? leafBits : bits)) {
      const place = blocks.push({
        ...partsBelow(nodes, at),
        above: features.length,
        questions: [...inner.values()],
      });
      late.push(() => link(upper.length + place - 1));
    } else if (at < 0) alone.push(~at);
    else {
      const feature = nodes.feature[at]!;
      const found = features.indexOf(feature);
      const all = found < 0 ? [...features, feature] : features;
      const bit = found < 0 ? features.length : found;
      // A block below has at most so many of them.
      const one = { node: at, bit: bit < leafBits ? 1 << bit : 0, left: -1, right: -1 };
      const place = upper.push(one) - 1;
      link(place);
      open.push(
        { at: nodes.right[at]!, features: all, link: to(one, 'right') },
        { at: nodes.left[at]!, features: all, link: to(one, 'left') },
      );
    }
  }
  for (const link of late) link();
  return { upper, blocks, alone };
}

function to(node: { left: number; right: number }, side: 'left' | 'right'): (place: number) => void {
  return (place) => {
    node[side] = place;
  };
}

const NOTHING: ReadonlyMap<number, number> = new Map();

/** Per node: the questions of it and below it, each with a node that asks it; none where they are more than `most`. */
function askedBelow(
  { nodes }: Ensemble,
  root: number,
  questions: Int32Array,
  most: number,
): Map<number, ReadonlyMap<number, number>> {
  const asked = new Map<number, ReadonlyMap<number, number>>();
  for (const at of partsBelow(nodes, root).nodes.reverse()) {
    const sides = [nodes.left[at]!, nodes.right[at]!].map((child) => (child < 0 ? NOTHING : asked.get(child)));
    if (sides.includes(undefined)) continue;
    const all = new Map([[questions[at]!, at]]);
    for (const side of sides) for (const [question, node] of side!) if (!all.has(question)) all.set(question, node);
    if (all.size <= most) asked.set(at, all);
  }
  return asked;
}

/** Nodes, parents before children, and leaves of what hangs below a place of a tree, itself among them. */
export function partsBelow(nodes: Ensemble['nodes'], top: number): { nodes: number[]; leaves: number[] } {
  const found = { nodes: [] as number[], leaves: [] as number[] };
  const open = [top];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at < 0) found.leaves.push(~at);
    else {
      found.nodes.push(at);
      open.push(nodes.right[at]!, nodes.left[at]!);
    }
  }
  return found;
}
