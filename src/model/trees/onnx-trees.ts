import { EnsembleBuilder, keyOf } from './ensemble-builder.ts';
import { floatsOf, integersOf, textsOf } from './onnx-attributes.ts';
import { branchOf, modeOf } from './onnx-branch.ts';
import type { OnnxNode } from './onnx-node.ts';
import { readVersion5 } from './onnx-trees-5.ts';
import type { NotForTrees, OnnxTrees } from './tree-operator.ts';

/**
 * The trees of an operator of ai.onnx.ml: TreeEnsembleClassifier and TreeEnsembleRegressor (1 to 3), TreeEnsemble (5). What is unusual is
 * left to ONNX Runtime: equality branches, sets, minima and maxima, doubles. Features are counted up to the highest that a node asks for.
 *
 * Errors: RangeError where the attributes do not fit together.
 */
export function readOnnxTrees(node: OnnxNode): OnnxTrees | NotForTrees {
  if (node.operator === 'TreeEnsemble') return readVersion5(node);
  const isClassifier = node.operator === 'TreeEnsembleClassifier';
  const has = (name: string): boolean => node.attributes.has(name);
  if (
    has('nodes_values_as_tensor') ||
    has('class_weights_as_tensor') ||
    has('target_weights_as_tensor') ||
    has('base_values_as_tensor')
  )
    return { why: 'its values are tensors' };
  const built = new EnsembleBuilder();
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
    bases: floatsOf(node, 'base_values').length,
  };
}

// One base value for two classes is the second one's; two of them count by their second as well (ONNX Runtime's way).
function baseOf(values: Float64Array, targets: number, isClassifier: boolean, isBinary: boolean): Float64Array | null {
  if (values.length === 0) return new Float64Array(targets);
  if (isBinary) return values.slice(-1);
  if (values.length === targets) return values.slice();
  return isClassifier ? null : new Float64Array(targets);
}

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
    const branch = branchOf(modeOf(mode), values[i]!, missing[i] === 1);
    if (typeof branch === 'string') return branch;
    const [yes, no] = [keyOf(trees[i]!, whenTrue[i]!), keyOf(trees[i]!, whenFalse[i]!)];
    const [left, right] = branch.isTrueLeft ? [yes, no] : [no, yes];
    built.addNode(
      key,
      { feature: features[i]!, threshold: branch.threshold, rule: branch.rule, left, right, cover },
      isRoot,
    );
  }
  return built.link();
}

function labelsOf(node: OnnxNode): { integers: readonly number[] } | { texts: readonly string[] } {
  const texts = textsOf(node, 'classlabels_strings');
  return texts.length > 0 ? { texts } : { integers: [...integersOf(node, 'classlabels_int64s')] };
}
