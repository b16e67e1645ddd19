import type { Ensemble } from '../trees/ensemble.ts';
import type { RefuseModel } from './refuse-model.ts';

/** What a reader knows before it reads the first tree. */
export interface EnsembleShape {
  readonly features: number;
  readonly targets: number;
  readonly values: Ensemble['values'];
  readonly sums: Ensemble['sums'];
}

/** How the sums of an ensemble become raw scores. */
export interface EnsembleSums {
  readonly base: Float64Array;
  readonly baseAdded: Ensemble['baseAdded'];
  readonly divisor: number;
}

/** Of category sets, all together. */
const MOST_WORDS = 2 ** 24;

/**
 * Collects trees one by one. What readers may not check themselves is checked here: that each tree is one, without a node that is reached
 * twice, and that features and thresholds can be.
 */
export class EnsembleBuilder {
  private readonly shape: EnsembleShape;
  private readonly refuse: RefuseModel;
  private readonly feature: number[] = [];
  private readonly threshold: number[] = [];
  private readonly left: number[] = [];
  private readonly right: number[] = [];
  private readonly rule: number[] = [];
  private readonly cover: number[] = [];
  private readonly leafFirst: number[] = [0];
  private readonly leafTarget: number[] = [];
  private readonly leafWeight: number[] = [];
  private readonly leafCover: number[] = [];
  private readonly leafNumber: number[] = [];
  private readonly setFirst: number[] = [0];
  private readonly setWords: number[] = [];
  private readonly roots: number[] = [];
  /** Numbers of the first node and leaf of the tree that is being read. */
  private begun: readonly [number, number] = [0, 0];

  constructor(shape: EnsembleShape, refuse: RefuseModel) {
    this.shape = shape;
    this.refuse = refuse;
  }

  /** Number of the next node, to which children may be linked before it is there. */
  get nodes(): number {
    return this.feature.length;
  }

  /** Number of the next leaf. */
  get leaves(): number {
    return this.leafFirst.length - 1;
  }

  /** Adds a node without children. `cover` is NaN where the file has none. */
  node(feature: number, threshold: number, rule: number, cover: number, place: string): number {
    if (!(feature >= 0 && feature < this.shape.features))
      this.refuse('a node splits by a feature that the model does not have', place, {
        expected: `0 to ${this.shape.features - 1}`,
        got: String(feature),
      });
    if (Number.isNaN(threshold)) this.refuse('a threshold is no number', place);
    this.threshold.push(threshold);
    this.rule.push(rule);
    this.cover.push(cover);
    this.left.push(0);
    this.right.push(0);
    return this.feature.push(feature) - 1;
  }

  /** Gives a node its children: nodes, or `~leaf`. */
  link(node: number, left: number, right: number): void {
    this.left[node] = left;
    this.right[node] = right;
  }

  /** Adds a leaf with a weight for one target; answers with it as a child. See `leafOf`. */
  leaf(target: number, weight: number, cover: number, number?: number): number {
    return this.leafOf([target], [weight], cover, number);
  }

  /**
   * Adds a leaf with a weight for each of several targets; answers with it as a child. `number` is what the trainer calls it in its tree: left
   * out, leaves are counted as they are added.
   */
  leafOf(
    targets: readonly number[],
    weights: readonly number[],
    cover: number,
    number = this.leaves - this.begun[1],
  ): number {
    this.leafNumber.push(number);
    this.leafTarget.push(...targets);
    this.leafWeight.push(...weights);
    this.leafCover.push(cover);
    return ~(this.leafFirst.push(this.leafTarget.length) - 2);
  }

  /** Adds a set of categories, 32 a word; answers with its number, the threshold of its nodes. */
  set(words: ArrayLike<number>): number {
    // A few bytes can name a category that needs millions of them.
    if (this.setWords.length + words.length > MOST_WORDS) this.refuse('the model has too many categories', '');
    for (let i = 0; i < words.length; i++) this.setWords.push(words[i]!);
    return this.setFirst.push(this.setWords.length) - 2;
  }

  /** Ends a tree: what was added since the last one. Whatever it reaches twice, or outside of itself, is refused. */
  root(child: number, place: string): void {
    this.roots.push(child);
    const [firstNode, firstLeaf] = this.begun;
    const nodes = this.nodes - firstNode;
    const isSeen = new Uint8Array(nodes + this.leaves - firstLeaf);
    const open = [child];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const isNode = at >= 0;
      const index = isNode ? at - firstNode : ~at - firstLeaf;
      if (index < 0 || (isNode ? index >= nodes : index >= this.leaves - firstLeaf))
        this.refuse('a node has a child that is not there', place);
      const seen = isNode ? index : nodes + index;
      if (isSeen[seen] === 1) this.refuse('a tree reaches one of its nodes twice', place);
      isSeen[seen] = 1;
      if (isNode) open.push(this.left[at]!, this.right[at]!);
    }
    this.begun = [this.nodes, this.leaves];
  }

  build({ base, baseAdded, divisor }: EnsembleSums): Ensemble {
    const { features, targets, values, sums } = this.shape;
    return {
      features,
      values,
      sums,
      targets,
      roots: Int32Array.from(this.roots),
      nodes: {
        feature: Int32Array.from(this.feature),
        threshold: Float64Array.from(this.threshold),
        left: Int32Array.from(this.left),
        right: Int32Array.from(this.right),
        rule: Uint8Array.from(this.rule),
        cover: coversOf(this.cover),
      },
      leaves: {
        first: Int32Array.from(this.leafFirst),
        target: Int32Array.from(this.leafTarget),
        weight: Float64Array.from(this.leafWeight),
        cover: coversOf(this.leafCover),
        number: Int32Array.from(this.leafNumber),
      },
      categories: { first: Int32Array.from(this.setFirst), words: Uint32Array.from(this.setWords) },
      base,
      baseAdded,
      divisor,
    };
  }
}

// All or none: contributions need every one.
function coversOf(covers: readonly number[]): Float64Array | null {
  return covers.some(Number.isNaN) ? null : Float64Array.from(covers);
}
