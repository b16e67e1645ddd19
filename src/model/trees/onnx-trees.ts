import { buildEnsemble, type NodeRows } from './ensemble-builder.ts';
import { floatsOf, integersOf, textsOf } from './onnx-attributes.ts';
import { emptyRows, modeOf, setBranch } from './onnx-branch.ts';
import type { OnnxNode } from './onnx-node.ts';
import { isAlwaysScored } from './onnx-scored.ts';
import { readVersion5 } from './onnx-trees-5.ts';
import { RowIndex } from './row-index.ts';
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
  const aggregate = node.attributes.get('aggregate_function')?.text ?? 'SUM';
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return { why: `it takes the ${aggregate} of its trees` };
  const index = new RowIndex(integersOf(node, 'nodes_treeids'), integersOf(node, 'nodes_nodeids'));
  const rows = readNodes(node, index);
  if (typeof rows === 'string') return { why: rows };
  const prefix = isClassifier ? 'class' : 'target';
  const values = floatsOf(node, `${prefix}_weights`);
  if (values.some((value) => !Number.isFinite(value))) return { why: 'a weight is not finite' };
  const ids = integersOf(node, `${prefix}_ids`, values.length);
  const trees = integersOf(node, `${prefix}_treeids`, values.length);
  const nodes = integersOf(node, `${prefix}_nodeids`, values.length);
  const labels = isClassifier ? labelsOf(node) : null;
  const classes = labels === null ? 0 : 'texts' in labels ? labels.texts.length : labels.integers.length;
  if (isClassifier && classes < 2) return { why: `it has ${classes} classes` };
  const isBinary = classes === 2 && ids.every((id) => id === ids[0]);
  const targets = isClassifier ? (isBinary ? 1 : classes) : (node.attributes.get('n_targets')?.integer ?? 1);
  const bases = floatsOf(node, 'base_values');
  const base = baseOf(bases, targets, isClassifier, isBinary);
  if (base === null) return { why: 'its base values are not one per target' };
  const weights = {
    rows: Int32Array.from(values, (_, i) => index.rowOf(trees[i]!, nodes[i]!)),
    targets: isBinary ? new Uint8Array(values.length) : ids,
    values,
  };
  const divisor = aggregate === 'AVERAGE' ? rows.roots.length : 1;
  const ensemble = buildEnsemble(rows, weights, {
    values: 'float32',
    sums: 'float32',
    targets,
    base,
    baseAdded: 'last',
    divisor,
  });
  if (typeof ensemble === 'string') return { why: ensemble };
  if (isClassifier && !isAlwaysScored(ensemble)) return { why: 'some of its leaves have no weight for a class' };
  return {
    ensemble,
    postTransform: node.attributes.get('post_transform')?.text ?? 'NONE',
    labels,
    isBinary,
    allPositive: values.every((value) => value >= 0),
    bases: bases.length,
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

function readNodes(node: OnnxNode, index: RowIndex): NodeRows | string {
  const modes = textsOf(node, 'nodes_modes');
  const count = modes.length;
  const trees = integersOf(node, 'nodes_treeids', count);
  integersOf(node, 'nodes_nodeids', count);
  const feature = integersOf(node, 'nodes_featureids', count);
  const values = floatsOf(node, 'nodes_values', count);
  const whenTrue = integersOf(node, 'nodes_truenodeids', count);
  const whenFalse = integersOf(node, 'nodes_falsenodeids', count);
  const missing = integersOf(node, 'nodes_missing_value_tracks_true');
  const cover = floatsOf(node, 'nodes_hitrates');
  const rows = emptyRows(count, feature, cover);
  for (let row = 0; row < count; row++) {
    const tree = trees[row]!;
    if (row === 0 || tree !== trees[row - 1]) rows.roots.push(row);
    if (modes[row] === LEAF) {
      rows.isLeaf[row] = 1;
      continue;
    }
    const why = setBranch(rows, row, {
      mode: modeOf(modes[row]!),
      value: values[row]!,
      isMissingTrue: missing[row] === 1,
      whenTrue: index.rowOf(tree, whenTrue[row]!),
      whenFalse: index.rowOf(tree, whenFalse[row]!),
    });
    if (why !== null) return why;
  }
  return rows;
}

function labelsOf(node: OnnxNode): { integers: readonly number[] } | { texts: readonly string[] } {
  const texts = textsOf(node, 'classlabels_strings');
  return texts.length > 0 ? { texts } : { integers: [...integersOf(node, 'classlabels_int64s')] };
}
