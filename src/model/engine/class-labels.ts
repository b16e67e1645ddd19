import { labelsOfNode } from '../onnx/node-labels.ts';
import { type GraphNode, makersOf, type OnnxGraph } from './onnx-graph.ts';

/** Labels of classes in order: all texts, or all whole numbers. */
export type ClassLabels = readonly (string | number)[];

/** Operators of ai.onnx.ml whose second output has a column for each of their labels. */
export const CLASSIFIERS: readonly string[] = ['TreeEnsembleClassifier', 'LinearClassifier', 'SVMClassifier'];
/** What changes the values of scores, and not which column is whose. */
const KEEP_COLUMNS = new Set(['Identity', 'Cast', 'Normalizer', 'Softmax', 'Sigmoid', 'Clip']);
const MOST_STEPS = 16;

/** The labels that a node names; null where it has none, or whole numbers that were rounded. Errors: RangeError on bytes that do not parse. */
export function exactLabels({ bytes }: GraphNode): ClassLabels | null {
  const labels = labelsOfNode(bytes);
  return labels?.every((label) => typeof label === 'string' || Number.isSafeInteger(label)) === true ? labels : null;
}

/**
 * The labels of classes for every output of a graph whose columns are a classifier's scores, found by walking back from the output.
 *
 * Errors: RangeError on bytes that do not parse.
 */
export function classLabels(graph: OnnxGraph): ReadonlyMap<string, ClassLabels> {
  const makers = makersOf(graph.nodes);
  const found = new Map<string, ClassLabels>();
  for (const { name } of graph.outputs) {
    const labels = labelsBehind(name, makers);
    if (labels !== null) found.set(name, labels);
  }
  return found;
}

function labelsBehind(output: string, makers: ReadonlyMap<string, GraphNode>): ClassLabels | null {
  let name = output;
  for (let step = 0; step < MOST_STEPS; step++) {
    const node = makers.get(name);
    if (node === undefined) return null;
    if (CLASSIFIERS.includes(node.operator)) return node.outputs[1] === name ? exactLabels(node) : null;
    if (!KEEP_COLUMNS.has(node.operator)) return null;
    name = node.inputs[0] ?? '';
  }
  return null;
}
