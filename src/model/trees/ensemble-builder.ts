import type { Ensemble } from './ensemble.ts';

/** Nodes and leaves as they stand in a file, a row each. */
export interface NodeRows {
  /** 1 for leaves, whose other values mean nothing. */
  readonly isLeaf: Uint8Array;
  readonly feature: Float64Array;
  readonly threshold: Float64Array;
  readonly rule: Uint8Array;
  /** Rows of the children. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly cover: Float64Array | null;
  /** Rows of the roots, in the order in which their trees are added. */
  readonly roots: readonly number[];
}

/** Weights of leaves, each with its leaf's row and its target. */
export interface LeafWeights {
  readonly rows: Int32Array;
  readonly targets: ArrayLike<number>;
  readonly values: Float64Array;
}

/** How the sums of an ensemble are made. */
export type Sums = Pick<Ensemble, 'values' | 'sums' | 'targets' | 'base' | 'baseAdded' | 'divisor'>;

const MOST_FEATURES = 2 ** 24;

/**
 * Puts the rows of a file into the arrays of an ensemble; in words, why they are no trees. Features are counted up to the highest that a node
 * asks for.
 *
 * Errors: RangeError where rows name what is not there.
 */
export function buildEnsemble(rows: NodeRows, weights: LeafWeights, sums: Sums): Ensemble | string {
  const count = rows.isLeaf.length;
  const parents = new Uint8Array(count);
  const place = new Int32Array(count);
  let nodes = 0;
  let leaves = 0;
  for (let row = 0; row < count; row++) {
    place[row] = rows.isLeaf[row] === 1 ? ~leaves++ : nodes++;
    if (rows.isLeaf[row] === 1) continue;
    for (const child of [rows.left[row]!, rows.right[row]!])
      if (parents[child]!++ > 0) return 'two nodes share a child';
  }
  for (const root of rows.roots) if (parents[root]!++ > 0) return 'a root has a parent';
  if (parents.includes(0)) return 'a node has no parent';
  const feature = new Int32Array(nodes);
  const threshold = new Float64Array(nodes);
  const rule = new Uint8Array(nodes);
  const left = new Int32Array(nodes);
  const right = new Int32Array(nodes);
  let features = 0;
  for (let row = 0; row < count; row++) {
    const node = place[row]!;
    if (node < 0) continue;
    const asked = rows.feature[row]!;
    if (!(asked >= 0 && asked < MOST_FEATURES)) throw new RangeError(`a node asks for feature ${asked}`);
    features = Math.max(features, asked + 1);
    feature[node] = asked;
    threshold[node] = rows.threshold[row]!;
    rule[node] = rows.rule[row]!;
    left[node] = place[rows.left[row]!]!;
    right[node] = place[rows.right[row]!]!;
  }
  const covers = coversOf(rows, place, nodes, leaves);
  return {
    ...sums,
    features,
    roots: Int32Array.from(rows.roots, (row) => place[row]!),
    nodes: { feature, threshold, rule, left, right, cover: covers?.nodes ?? null },
    leaves: { ...weightsOf(weights, place, leaves, sums.targets), cover: covers?.leaves ?? null, number: null },
    categories: { first: new Int32Array(1), words: new Uint32Array(0) },
  };
}

// Weights by leaf, those of one leaf in their order.
function weightsOf(
  weights: LeafWeights,
  place: Int32Array,
  leaves: number,
  targets: number,
): Pick<Ensemble['leaves'], 'first' | 'target' | 'weight'> {
  const count = weights.values.length;
  const first = new Int32Array(leaves + 1);
  for (const row of weights.rows) {
    const at = place[row];
    if (at === undefined || at >= 0) throw new RangeError('a weight belongs to no leaf');
    first[~at + 1]!++;
  }
  for (let leaf = 0; leaf < leaves; leaf++) first[leaf + 1]! += first[leaf]!;
  const next = first.slice();
  const target = new Int32Array(count);
  const weight = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const to = weights.targets[i]!;
    if (!(to >= 0 && to < targets)) throw new RangeError(`a weight is of target ${to} of ${targets}`);
    const at = next[~place[weights.rows[i]!]!]!++;
    target[at] = to;
    weight[at] = weights.values[i]!;
  }
  return { first, target, weight };
}

// Covers count only where every row has one.
function coversOf(
  { cover }: NodeRows,
  place: Int32Array,
  nodes: number,
  leaves: number,
): { nodes: Float64Array; leaves: Float64Array } | null {
  if (cover === null || cover.length !== place.length || cover.some((value) => !(value > 0))) return null;
  const covers = { nodes: new Float64Array(nodes), leaves: new Float64Array(leaves) };
  place.forEach((at, row) => {
    if (at >= 0) covers.nodes[at] = cover[row]!;
    else covers.leaves[~at] = cover[row]!;
  });
  return covers;
}
