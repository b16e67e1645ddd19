import { type Ensemble, RULE } from './ensemble.ts';
import { type OnnxAttribute, type OnnxNode } from './onnx-node.ts';

/** What a tree operator does with the sums of its leaves. */
export interface OnnxTrees {
  readonly ensemble: Ensemble;
  readonly postTransform: string;
  /** Classes of a classifier, null of a regressor. */
  readonly labels: { readonly integers: readonly number[] } | { readonly texts: readonly string[] } | null;
  /** All weights of a classifier go to one class of two: the sum is the score of the second one. */
  readonly isBinary: boolean;
  readonly allPositive: boolean;
}

/** Why an operator stays with ONNX Runtime. */
export interface NotForTrees {
  readonly why: string;
}

/**
 * The trees of an operator of ai.onnx.ml: TreeEnsembleClassifier and TreeEnsembleRegressor (1 to 3), TreeEnsemble (5). What is unusual is
 * left to ONNX Runtime: equality branches, sets, minima and maxima, doubles.
 *
 * Errors: RangeError where the attributes do not fit together.
 */
export function readOnnxTrees(node: OnnxNode, features: number): OnnxTrees | NotForTrees {
  if (node.operator === 'TreeEnsemble') return readVersion5(node, features);
  const isClassifier = node.operator === 'TreeEnsembleClassifier';
  const has = (name: string): boolean => node.attributes.has(name);
  if (has('nodes_values_as_tensor') || has('class_weights_as_tensor') || has('target_weights_as_tensor') || has('base_values_as_tensor'))
    return { why: 'its values are tensors' };
  const built = new EnsembleBuilder(features);
  const why = readNodes(node, built) ?? null;
  if (why !== null) return { why };
  const prefix = isClassifier ? 'class' : 'target';
  const weights = {
    ids: integersOf(node, `${prefix}_ids`),
    nodes: integersOf(node, `${prefix}_nodeids`),
    trees: integersOf(node, `${prefix}_treeids`),
    values: floatsOf(node, `${prefix}_weights`),
  };
  if (weights.values.some((value) => !Number.isFinite(value))) return { why: 'a weight is not finite' };
  const labels = isClassifier ? labelsOf(node) : null;
  const classes = labels === null ? 0 : 'texts' in labels ? labels.texts.length : labels.integers.length;
  const isBinary = classes === 2 && new Set(weights.ids).size === 1;
  const targets = isClassifier ? (isBinary ? 1 : classes) : (node.attributes.get('n_targets')?.integer ?? 1);
  if (isClassifier && classes < 2) return { why: `it has ${classes} classes` };
  built.addWeights(weights, isBinary ? 1 : targets, isBinary);
  const aggregate = node.attributes.get('aggregate_function')?.text ?? 'SUM';
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return { why: `it takes the ${aggregate} of its trees` };
  const base = baseOf(floatsOf(node, 'base_values'), targets, isClassifier, isBinary);
  if (base === null) return { why: 'its base values are not one per target' };
  return {
    ensemble: built.build(targets, base, aggregate === 'AVERAGE'),
    postTransform: node.attributes.get('post_transform')?.text ?? 'NONE',
    labels,
    isBinary,
    allPositive: weights.values.every((value) => value >= 0),
  };
}

// One base value for two classes is the second one's; two of them count by their second as well (ONNX Runtime's way).
function baseOf(values: Float64Array, targets: number, isClassifier: boolean, isBinary: boolean): Float64Array | null {
  if (values.length === 0) return new Float64Array(targets);
  if (isBinary) return values.slice(-1);
  if (values.length === targets) return values.slice();
  return isClassifier ? null : new Float64Array(targets);
}

const MODES = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];
const LEAF = 'LEAF';

function readNodes(node: OnnxNode, built: EnsembleBuilder): string | undefined {
  const modes = textsOf(node, 'nodes_modes');
  const trees = integersOf(node, 'nodes_treeids', modes.length);
  const ids = integersOf(node, 'nodes_nodeids', modes.length);
  const features = integersOf(node, 'nodes_featureids', modes.length);
  const values = floatsOf(node, 'nodes_values', modes.length);
  const whenTrue = integersOf(node, 'nodes_truenodeids', modes.length);
  const whenFalse = integersOf(node, 'nodes_falsenodeids', modes.length);
  const missing = integersOf(node, 'nodes_missing_value_tracks_true');
  const covers = floatsOf(node, 'nodes_hitrates');
  for (let i = 0; i < modes.length; i++) {
    const mode = modes[i]!;
    const key = keyOf(trees[i]!, ids[i]!);
    const cover = covers.length === modes.length ? covers[i]! : null;
    const isRoot = i === 0 || trees[i] !== trees[i - 1];
    if (mode === LEAF) {
      built.addLeaf(key, cover, isRoot);
      continue;
    }
    const branch = branchOf(MODES.indexOf(mode), values[i]!, missing[i] === 1);
    if (typeof branch === 'string') return branch;
    const [yes, no] = [keyOf(trees[i]!, whenTrue[i]!), keyOf(trees[i]!, whenFalse[i]!)];
    const [left, right] = branch.isTrueLeft ? [yes, no] : [no, yes];
    built.addNode(key, { feature: features[i]!, threshold: branch.threshold, rule: branch.rule, left, right, cover }, isRoot);
  }
  return built.link();
}

interface Branch {
  readonly threshold: number;
  readonly rule: number;
  readonly isTrueLeft: boolean;
}

/** A branch as `value <= threshold goes left`; what is no such branch, in words. */
function branchOf(mode: number, value: number, isMissingTrue: boolean): Branch | string {
  if (mode < 0 || mode > 3) return `a node asks ${MODES[mode] ?? 'for a set'}`;
  const isTrueLeft = mode < 2;
  const rule = isMissingTrue === isTrueLeft ? RULE.nanLeft : RULE.nanRight;
  const isOpen = mode === 1 || mode === 2;
  const threshold = isOpen ? floatBelow(value) : value;
  if (Number.isNaN(threshold)) return 'a threshold is NaN';
  return { threshold, rule, isTrueLeft };
}

const word = new DataView(new ArrayBuffer(4));

/** The largest float32 below a float32; NaN where there is none. */
export function floatBelow(value: number): number {
  if (value === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (value === 0) return -(2 ** -149);
  word.setFloat32(0, value);
  word.setInt32(0, word.getInt32(0) + (value > 0 ? -1 : 1));
  return word.getFloat32(0);
}

interface PendingNode {
  readonly feature: number;
  readonly threshold: number;
  readonly rule: number;
  readonly left: number;
  readonly right: number;
  readonly cover: number | null;
}

interface Weights {
  readonly ids: ArrayLike<number>;
  readonly nodes: ArrayLike<number>;
  readonly trees: ArrayLike<number>;
  readonly values: Float64Array;
}

/** Puts nodes that name each other by keys into the arrays of an ensemble. */
class EnsembleBuilder {
  private readonly features: number;
  private readonly places = new Map<number, number>();
  private readonly pending: PendingNode[] = [];
  private readonly nodeKeys: number[] = [];
  private readonly leafCovers: (number | null)[] = [];
  private readonly rootKeys: number[] = [];
  private readonly leafWeights: { target: number; weight: number }[][] = [];

  constructor(features: number) {
    this.features = features;
  }

  addNode(key: number, node: PendingNode, isRoot: boolean): void {
    if (node.feature < 0 || node.feature >= this.features) throw new RangeError(`a node asks for feature ${node.feature} of ${this.features}`);
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

  addWeights({ ids, nodes, trees, values }: Weights, targets: number, isBinary: boolean): void {
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

// Trees and nodes are numbered from zero; together they make one exact number.
function keyOf(tree: number, node: number): number {
  if (!(tree >= 0 && tree < 2 ** 26 && node >= 0 && node < 2 ** 26)) throw new RangeError('a node has an impossible number');
  return tree * 2 ** 26 + node;
}

function labelsOf(node: OnnxNode): { integers: readonly number[] } | { texts: readonly string[] } {
  const texts = textsOf(node, 'classlabels_strings');
  return texts.length > 0 ? { texts } : { integers: [...integersOf(node, 'classlabels_int64s')] };
}

function attributeOf(node: OnnxNode, name: string): OnnxAttribute | undefined {
  return node.attributes.get(name);
}

function integersOf(node: OnnxNode, name: string, count?: number): Float64Array {
  return counted(attributeOf(node, name)?.integers ?? new Float64Array(0), name, count);
}

function floatsOf(node: OnnxNode, name: string, count?: number): Float64Array {
  return counted(attributeOf(node, name)?.floats ?? new Float64Array(0), name, count);
}

function textsOf(node: OnnxNode, name: string): readonly string[] {
  return attributeOf(node, name)?.texts ?? [];
}

function counted(values: Float64Array, name: string, count?: number): Float64Array {
  if (count !== undefined && values.length !== count) throw new RangeError(`${name} has ${values.length} values of ${count}`);
  return values;
}

const LESS_OR_EQUAL = 0;

// modes are numbers there, leaves are listed apart, and both have lists of children.
function readVersion5(node: OnnxNode, features: number): OnnxTrees | NotForTrees {
  const tensorOf = (name: string): Float64Array => attributeOf(node, name)?.tensor?.data ?? new Float64Array(0);
  const splits = attributeOf(node, 'nodes_splits')?.tensor ?? null;
  if (splits === null || splits.type !== 1) return { why: 'its thresholds are not float32' };
  const modes = tensorOf('nodes_modes');
  const count = splits.data.length;
  const targets = attributeOf(node, 'n_targets')?.integer ?? 1;
  const aggregate = attributeOf(node, 'aggregate_function')?.integer ?? 1;
  if (aggregate > 1) return { why: 'it takes minima or maxima of its trees' };
  const built = new EnsembleBuilder(features);
  const leafTargets = integersOf(node, 'leaf_targetids');
  const weights = tensorOf('leaf_weights');
  if (weights.length !== leafTargets.length) throw new RangeError('leaves and their weights differ in number');
  if (weights.some((value) => !Number.isFinite(value))) return { why: 'a weight is not finite' };
  const [yes, no] = [integersOf(node, 'nodes_truenodeids', count), integersOf(node, 'nodes_falsenodeids', count)];
  const [isYesLeaf, isNoLeaf] = [integersOf(node, 'nodes_trueleafs', count), integersOf(node, 'nodes_falseleafs', count)];
  const feature = integersOf(node, 'nodes_featureids', count);
  const missing = integersOf(node, 'nodes_missing_value_tracks_true');
  const roots = integersOf(node, 'tree_roots');
  // A root whose both children are one leaf is a tree of that leaf alone.
  if (roots.some((root) => isYesLeaf[root] === 1 && isNoLeaf[root] === 1 && yes[root] === no[root])) return { why: 'a tree has no branch' };
  const childKey = (isLeaf: number, index: number): number => keyOf(isLeaf === 1 ? 1 : 0, index);
  for (let i = 0; i < count; i++) {
    const branch = modes[i] === LESS_OR_EQUAL || modes.length === count ? branchOf(VERSION_5_MODES[modes[i]!] ?? -1, splits.data[i]!, missing[i] === 1) : 'modes are missing';
    if (typeof branch === 'string') return { why: branch };
    const [whenTrue, whenFalse] = [childKey(isYesLeaf[i]!, yes[i]!), childKey(isNoLeaf[i]!, no[i]!)];
    const [left, right] = branch.isTrueLeft ? [whenTrue, whenFalse] : [whenFalse, whenTrue];
    built.addNode(keyOf(0, i), { feature: feature[i]!, threshold: branch.threshold, rule: branch.rule, left, right, cover: null }, false);
  }
  for (let i = 0; i < weights.length; i++) built.addLeaf(keyOf(1, i), null, false);
  built.setRoots(Array.from(roots, (root) => keyOf(0, root)));
  const why = built.link();
  if (why !== undefined) return { why };
  const numbers = Array.from(weights, (_, i) => i);
  built.addWeights({ ids: leafTargets, nodes: numbers, trees: numbers.map(() => 1), values: weights }, targets, false);
  const post = attributeOf(node, 'post_transform')?.integer ?? 0;
  return {
    ensemble: built.build(targets, new Float64Array(targets), aggregate === 0),
    postTransform: VERSION_5_TRANSFORMS[post] ?? `number ${post}`,
    labels: null,
    isBinary: false,
    allPositive: false,
  };
}

/** BRANCH_LEQ, LT, GTE, GT, EQ, NEQ, MEMBER are 0 to 6, as above but for the set. */
const VERSION_5_MODES = [0, 1, 2, 3, 4, 5];
const VERSION_5_TRANSFORMS = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
