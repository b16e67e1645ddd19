import { EnsembleBuilder, keyOf } from './ensemble-builder.ts';
import { attributeOf, integersOf } from './onnx-attributes.ts';
import { branchOf } from './onnx-branch.ts';
import type { OnnxNode } from './onnx-node.ts';
import type { NotForTrees, OnnxTrees } from './tree-operator.ts';

const LESS_OR_EQUAL = 0;

// modes are numbers there, leaves are listed apart, and both have lists of children.
export function readVersion5(node: OnnxNode): OnnxTrees | NotForTrees {
  const tensorOf = (name: string): Float64Array => attributeOf(node, name)?.tensor?.data ?? new Float64Array(0);
  const splits = attributeOf(node, 'nodes_splits')?.tensor ?? null;
  if (splits === null || splits.type !== 1) return { why: 'its thresholds are not float32' };
  const modes = tensorOf('nodes_modes');
  const count = splits.data.length;
  const targets = attributeOf(node, 'n_targets')?.integer ?? 1;
  const aggregate = attributeOf(node, 'aggregate_function')?.integer ?? 1;
  if (aggregate > 1) return { why: 'it takes minima or maxima of its trees' };
  const built = new EnsembleBuilder();
  const leafTargets = integersOf(node, 'leaf_targetids');
  const weights = tensorOf('leaf_weights');
  if (weights.length !== leafTargets.length) throw new RangeError('leaves and their weights differ in number');
  if (weights.some((value) => !Number.isFinite(value))) return { why: 'a weight is not finite' };
  const [yes, no] = [integersOf(node, 'nodes_truenodeids', count), integersOf(node, 'nodes_falsenodeids', count)];
  const [isYesLeaf, isNoLeaf] = [
    integersOf(node, 'nodes_trueleafs', count),
    integersOf(node, 'nodes_falseleafs', count),
  ];
  const feature = integersOf(node, 'nodes_featureids', count);
  const missing = integersOf(node, 'nodes_missing_value_tracks_true');
  const roots = integersOf(node, 'tree_roots');
  // A root whose both children are one leaf is a tree of that leaf alone.
  if (roots.some((root) => isYesLeaf[root] === 1 && isNoLeaf[root] === 1 && yes[root] === no[root]))
    return { why: 'a tree has no branch' };
  const childKey = (isLeaf: number, index: number): number => keyOf(isLeaf === 1 ? 1 : 0, index);
  for (let i = 0; i < count; i++) {
    const branch =
      modes[i] === LESS_OR_EQUAL || modes.length === count
        ? branchOf(VERSION_5_MODES[modes[i]!] ?? -1, splits.data[i]!, missing[i] === 1)
        : 'modes are missing';
    if (typeof branch === 'string') return { why: branch };
    const [whenTrue, whenFalse] = [childKey(isYesLeaf[i]!, yes[i]!), childKey(isNoLeaf[i]!, no[i]!)];
    const [left, right] = branch.isTrueLeft ? [whenTrue, whenFalse] : [whenFalse, whenTrue];
    built.addNode(
      keyOf(0, i),
      { feature: feature[i]!, threshold: branch.threshold, rule: branch.rule, left, right, cover: null },
      false,
    );
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
    bases: 0,
  };
}

/** BRANCH_LEQ, LT, GTE, GT, EQ, NEQ, MEMBER are 0 to 6, as above but for the set. */
const VERSION_5_MODES = [0, 1, 2, 3, 4, 5];
const VERSION_5_TRANSFORMS = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
