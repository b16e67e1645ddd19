import { type Ensemble, RULE } from '../../src/model/trees/ensemble.ts';

/** What a random ensemble looks like. */
export interface EnsembleShape {
  readonly trees: number;
  /** Leaves of a tree at most. */
  readonly leaves: number;
  readonly features: number;
  readonly targets: number;
  readonly values: 'float32' | 'float64';
  readonly sums: 'float32' | 'float64';
  readonly rules: readonly number[];
}

const SETS = 4;
const SET_WORDS = 2;

/** Trees of random shapes and thresholds: zeros of both signs, infinities, small integers, floats of all sizes, category sets. */
export function randomEnsemble(random: () => number, shape: EnsembleShape): Ensemble {
  const below = (n: number): number => Math.floor(random() * n);
  const round = shape.values === 'float32' ? Math.fround : (x: number): number => x;
  const nodes = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    rule: [] as number[],
  };
  const weights: { target: number; weight: number }[][] = [];
  const leaf = (tree: number): number => {
    const made = random() < 0.1 ? Array.from({ length: shape.targets }, (_, target) => target) : [tree % shape.targets];
    const weight = (): number => (shape.sums === 'float32' ? Math.fround(random() - 0.5) : random() - 0.5);
    return ~(weights.push(made.map((target) => ({ target, weight: weight() }))) - 1);
  };
  const threshold = (): number => {
    const kind = random();
    if (kind < 0.06) return [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][below(4)]!;
    return kind < 0.5 ? below(21) - 10 : round((random() - 0.5) * 10 ** (below(6) - 2));
  };
  const grow = (leaves: number, tree: number): number => {
    if (leaves <= 1) return leaf(tree);
    const rule = shape.rules[below(shape.rules.length)]!;
    const at = nodes.feature.push(below(shape.features)) - 1;
    nodes.threshold.push(rule >= RULE.category ? below(SETS) : threshold());
    nodes.rule.push(rule);
    nodes.left.push(0);
    nodes.right.push(0);
    const first = 1 + below(leaves - 1);
    nodes.left[at] = grow(first, tree);
    nodes.right[at] = grow(leaves - first, tree);
    return at;
  };
  const roots = Array.from({ length: shape.trees }, (_, tree) => grow(1 + below(shape.leaves), tree));
  const flat = weights.flat();
  const first = [0];
  for (const some of weights) first.push(first.at(-1)! + some.length);
  return {
    features: shape.features,
    values: shape.values,
    sums: shape.sums,
    targets: shape.targets,
    roots: Int32Array.from(roots),
    nodes: {
      feature: Int32Array.from(nodes.feature),
      threshold: Float64Array.from(nodes.threshold),
      left: Int32Array.from(nodes.left),
      right: Int32Array.from(nodes.right),
      rule: Uint8Array.from(nodes.rule),
      cover: null,
    },
    leaves: {
      first: Int32Array.from(first),
      target: Int32Array.from(flat, (w) => w.target),
      weight: Float64Array.from(flat, (w) => w.weight),
      cover: null,
      number: null,
    },
    categories: {
      first: Int32Array.from({ length: SETS + 1 }, (_, i) => i * SET_WORDS),
      words: Uint32Array.from({ length: SETS * SET_WORDS }, () => below(2 ** 32)),
    },
    base: new Float64Array(shape.targets),
    baseAdded: 'last',
    divisor: 1,
  };
}

/** Rows on and around the thresholds of an ensemble, with everything that is odd. */
export function randomRows(random: () => number, ensemble: Ensemble, count: number): Float32Array | Float64Array {
  const below = (n: number): number => Math.floor(random() * n);
  const odd = [
    Number.NaN,
    Number.NaN,
    0,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e-36,
    -1e-38,
    -0.5,
    63.9,
    64,
    2 ** 31,
    -(2 ** 31),
    2 ** -149,
  ];
  const { threshold } = ensemble.nodes;
  const View = ensemble.values === 'float32' ? Float32Array : Float64Array;
  const value = (): number => {
    const kind = random();
    const near = threshold.length === 0 ? 0 : threshold[below(threshold.length)]!;
    if (kind < 0.3) return near;
    if (kind < 0.4) return near * (1 + (random() < 0.5 ? 1e-7 : -1e-7));
    if (kind < 0.55) return odd[below(odd.length)]!;
    return kind < 0.75 ? below(80) - 10 : (random() - 0.5) * 10 ** (below(6) - 2);
  };
  const rows = new View(count * ensemble.features);
  for (let i = 0; i < rows.length; i++) rows[i] = value();
  return rows;
}
