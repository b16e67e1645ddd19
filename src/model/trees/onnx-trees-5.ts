import { buildEnsemble } from './ensemble-builder.ts';
import { attributeOf, integersOf } from './onnx-attributes.ts';
import { emptyRows, setBranch } from './onnx-branch.ts';
import type { OnnxNode } from './onnx-node.ts';
import type { NotForTrees, OnnxTrees } from './tree-operator.ts';

/**
 * The trees of TreeEnsemble (ai.onnx.ml 5): modes are numbers there, leaves are listed apart from nodes, and each list is counted for itself.
 *
 * Errors: RangeError where the attributes do not fit together.
 */
export function readVersion5(node: OnnxNode): OnnxTrees | NotForTrees {
  const tensorOf = (name: string): Float64Array => attributeOf(node, name)?.tensor?.data ?? new Float64Array(0);
  const splits = attributeOf(node, 'nodes_splits')?.tensor ?? null;
  if (splits === null || splits.type !== 1) return { why: 'its thresholds are not float32' };
  const aggregate = attributeOf(node, 'aggregate_function')?.integer ?? 1;
  if (aggregate > 1) return { why: 'it takes minima or maxima of its trees' };
  const nodes = splits.data.length;
  const modes = tensorOf('nodes_modes');
  const values = tensorOf('leaf_weights');
  const leafTargets = integersOf(node, 'leaf_targetids', values.length);
  if (modes.length !== nodes) throw new RangeError('nodes and their modes differ in number');
  if (values.some((value) => !Number.isFinite(value))) return { why: 'a weight is not finite' };
  const yes = integersOf(node, 'nodes_truenodeids', nodes);
  const no = integersOf(node, 'nodes_falsenodeids', nodes);
  const isYesLeaf = integersOf(node, 'nodes_trueleafs', nodes);
  const isNoLeaf = integersOf(node, 'nodes_falseleafs', nodes);
  const missing = integersOf(node, 'nodes_missing_value_tracks_true');
  const roots = integersOf(node, 'tree_roots');
  // Such a root stands for a tree of one leaf.
  if (roots.some((root) => isYesLeaf[root] === 1 && isNoLeaf[root] === 1 && yes[root] === no[root]))
    return { why: 'a tree has no branch' };
  const rowOf = (isLeaf: number, index: number): number => {
    const row = isLeaf === 1 ? nodes + index : index;
    if (!(index >= 0 && index < (isLeaf === 1 ? values.length : nodes)))
      throw new RangeError('a node names a child that is not there');
    return row;
  };
  const feature = new Float64Array(nodes + values.length);
  feature.set(integersOf(node, 'nodes_featureids', nodes));
  const rows = emptyRows(nodes + values.length, feature, null);
  rows.isLeaf.fill(1, nodes);
  rows.roots.push(...roots.map((root) => rowOf(0, root)));
  for (let row = 0; row < nodes; row++) {
    const why = setBranch(rows, row, {
      mode: VERSION_5_MODES[modes[row]!] ?? -1,
      value: splits.data[row]!,
      isMissingTrue: missing[row] === 1,
      whenTrue: rowOf(isYesLeaf[row]!, yes[row]!),
      whenFalse: rowOf(isNoLeaf[row]!, no[row]!),
    });
    if (why !== null) return { why };
  }
  const targets = attributeOf(node, 'n_targets')?.integer ?? 1;
  const weights = { rows: Int32Array.from(values, (_, i) => nodes + i), targets: leafTargets, values };
  const ensemble = buildEnsemble(rows, weights, {
    values: 'float32',
    sums: 'float32',
    targets,
    base: new Float64Array(targets),
    baseAdded: 'last',
    divisor: aggregate === 0 ? roots.length : 1,
  });
  if (typeof ensemble === 'string') return { why: ensemble };
  const post = attributeOf(node, 'post_transform')?.integer ?? 0;
  return {
    ensemble,
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
