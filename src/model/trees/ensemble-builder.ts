import type { Ensemble } from './ensemble.ts';

/** A node whose children are still keys. */
export interface PendingNode {
  readonly feature: number;
  readonly threshold: number;
  readonly rule: number;
  readonly left: number;
  readonly right: number;
  readonly cover: number | null;
}

/** Weights of leaves, each with the leaf's place and its target. */
export interface LeafWeights {
  readonly ids: ArrayLike<number>;
  readonly nodes: ArrayLike<number>;
  readonly trees: ArrayLike<number>;
  readonly values: Float64Array;
}

/** Puts nodes that name each other by keys into the arrays of an ensemble. */
export class EnsembleBuilder {
  private features = 0;
  private readonly places = new Map<number, number>();
  private readonly pending: PendingNode[] = [];
  private readonly nodeKeys: number[] = [];
  private readonly leafCovers: (number | null)[] = [];
  private readonly rootKeys: number[] = [];
  private readonly leafWeights: { target: number; weight: number }[][] = [];

  addNode(key: number, node: PendingNode, isRoot: boolean): void {
    if (!(node.feature >= 0 && node.feature < 2 ** 24)) throw new RangeError(`a node asks for feature ${node.feature}`);
    this.features = Math.max(this.features, node.feature + 1);
    this.place(key, this.pending.length, isRoot);
    this.pending.push(node);
    this.nodeKeys.push(key);
  }

  addLeaf(key: number, cover: number | null, isRoot: boolean): void {
    this.place(key, ~this.leafCovers.length, isRoot);
    this.leafCovers.push(cover);
    this.leafWeights.push([]);
  }

  setRoots(keys: readonly number[]): void {
    for (const key of keys) if (!this.places.has(key)) throw new RangeError('a root is not there');
    this.rootKeys.push(...keys);
  }

  /** Finds the children. Errors: RangeError where one is missing, or has two parents. In words: what is unusual. */
  link(): string | undefined {
    const seen = new Set<number>(this.rootKeys);
    for (const { left, right } of this.pending) {
      for (const key of [left, right]) {
        if (!this.places.has(key)) throw new RangeError('a node names a child that is not there');
        if (seen.has(key)) return 'two nodes share a child';
        seen.add(key);
      }
    }
    return seen.size === this.places.size ? undefined : 'a node has no parent';
  }

  addWeights({ ids, nodes, trees, values }: LeafWeights, targets: number, isBinary: boolean): void {
    if (ids.length !== values.length || nodes.length !== values.length || trees.length !== values.length)
      throw new RangeError('weights and their places differ in number');
    for (let i = 0; i < values.length; i++) {
      const place = this.places.get(keyOf(trees[i]!, nodes[i]!));
      if (place === undefined || place >= 0) throw new RangeError('a weight belongs to no leaf');
      const target = isBinary ? 0 : ids[i]!;
      if (!(target >= 0 && target < targets)) throw new RangeError(`a weight is of target ${target} of ${targets}`);
      this.leafWeights[~place]!.push({ target, weight: values[i]! });
    }
  }

  build(targets: number, base: Float64Array, isAverage: boolean): Ensemble {
    const nodes = this.pending;
    const flat = this.leafWeights.flat();
    const first = new Int32Array(this.leafWeights.length + 1);
    this.leafWeights.forEach((weights, leaf) => {
      first[leaf + 1] = first[leaf]! + weights.length;
    });
    const covers = [...nodes.map((n) => n.cover), ...this.leafCovers];
    const hasCovers = covers.length > 0 && covers.every((cover) => cover !== null && cover > 0);
    const placeOf = (key: number): number => this.places.get(key)!;
    return {
      features: this.features,
      values: 'float32',
      sums: 'float32',
      targets,
      roots: Int32Array.from(this.rootKeys, placeOf),
      nodes: {
        feature: Int32Array.from(nodes, (n) => n.feature),
        threshold: Float64Array.from(nodes, (n) => n.threshold),
        left: Int32Array.from(nodes, (n) => placeOf(n.left)),
        right: Int32Array.from(nodes, (n) => placeOf(n.right)),
        rule: Uint8Array.from(nodes, (n) => n.rule),
        cover: hasCovers ? Float64Array.from(nodes, (n) => n.cover ?? 0) : null,
      },
      leaves: {
        first,
        target: Int32Array.from(flat, (w) => w.target),
        weight: Float64Array.from(flat, (w) => w.weight),
        cover: hasCovers ? Float64Array.from(this.leafCovers, (cover) => cover ?? 0) : null,
      },
      categories: { first: new Int32Array(1), words: new Uint32Array(0) },
      base,
      baseAdded: 'last',
      divisor: isAverage ? this.rootKeys.length : 1,
    };
  }

  private place(key: number, place: number, isRoot: boolean): void {
    if (this.places.has(key)) throw new RangeError('two nodes have one number');
    this.places.set(key, place);
    if (isRoot) this.rootKeys.push(key);
  }
}

/** Trees and nodes are numbered from zero; together they make one exact number. Errors: RangeError. */
export function keyOf(tree: number, node: number): number {
  if (!(tree >= 0 && tree < 2 ** 26 && node >= 0 && node < 2 ** 26))
    throw new RangeError('a node has an impossible number');
  return tree * 2 ** 26 + node;
}
