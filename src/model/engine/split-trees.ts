import { readOnnxNode } from '../trees/onnx-node.ts';
import { readOnnxTrees } from '../trees/onnx-trees.ts';
import type { OnnxTrees } from '../trees/tree-operator.ts';
import {
  ELEMENT,
  type GraphNode,
  makersOf,
  type OnnxGraph,
  partModel,
  readOnnxGraph,
  tensorInfo,
} from './onnx-graph.ts';

/** A model cut at its tree operator. Parts are ONNX models; null where there is nothing to run. */
export interface TreeParts {
  readonly graph: OnnxGraph;
  readonly trees: OnnxTrees;
  /** What the operator takes: [N, features] float32. */
  readonly input: string;
  /** Outputs of the operator; null where it has none of the name. A regressor has scores alone. */
  readonly label: string | null;
  readonly scores: string | null;
  /** From the model's inputs to `input`; its inputs are inputs of the model. */
  readonly before: { readonly model: Uint8Array<ArrayBuffer>; readonly inputs: readonly string[] } | null;
  /** From label and scores to the model's other outputs. */
  readonly after: { readonly model: Uint8Array<ArrayBuffer>; readonly inputs: readonly string[] } | null;
  /** The operator alone, from `input` to label and scores. */
  readonly alone: Uint8Array<ArrayBuffer>;
}

const OPERATORS = new Set(['TreeEnsembleClassifier', 'TreeEnsembleRegressor', 'TreeEnsemble']);

/**
 * Cuts a model at its one tree operator; in words, why it is left to ONNX Runtime whole.
 *
 * Errors: RangeError on bytes that do not parse.
 */
export function splitTrees(bytes: Uint8Array): TreeParts | string {
  const graph = readOnnxGraph(bytes);
  const operators = graph.nodes.filter((node) => node.domain === 'ai.onnx.ml' && OPERATORS.has(node.operator));
  const [operator] = operators;
  if (operator === undefined) return 'it has no tree operator';
  if (operators.length > 1) return `it has ${operators.length} tree operators`;
  if (graph.isOpaque) return 'a node has a graph of its own';
  const input = operator.inputs[0] ?? '';
  const before = ancestors(graph, input);
  const after = graph.nodes.filter((node) => node !== operator && !before.has(node));
  const given = new Set([
    ...operator.outputs,
    ...after.flatMap((node) => node.outputs),
    ...graph.initializers.map(({ name }) => name),
    '',
  ]);
  if (after.some((node) => node.inputs.some((name) => !given.has(name))))
    return 'what follows its trees takes more than their scores';
  const missing = graph.outputs.find(({ name }) => !given.has(name) || graph.initializers.some((i) => i.name === name));
  if (missing !== undefined) return `output ${missing.name} does not come from its trees`;
  const trees = readOnnxTrees(readOnnxNode(operator.bytes));
  if ('why' in trees) return trees.why;
  const isClassifier = trees.labels !== null;
  const label = isClassifier ? (operator.outputs[0] ?? '') || null : null;
  const scores = operator.outputs[isClassifier ? 1 : 0] || null;
  const beforeNodes = graph.nodes.filter((node) => before.has(node));
  const labelElement = trees.labels !== null && 'texts' in trees.labels ? ELEMENT.string : ELEMENT.int64;
  const scoresInfo = scores === null ? null : tensorInfo(scores, ELEMENT.float, 2);
  const labelInfo = label === null ? null : tensorInfo(label, labelElement, 1);
  const edge = [...(labelInfo === null ? [] : [labelInfo]), ...(scoresInfo === null ? [] : [scoresInfo])];
  return {
    graph,
    trees,
    input,
    label,
    scores,
    before: beforeNodes.length === 0 ? null : partBefore(graph, beforeNodes, input),
    after: after.length === 0 ? null : partAfter(graph, after, { label, scores, labelInfo, scoresInfo }),
    alone: partModel(graph, [operator], [tensorInfo(input, ELEMENT.float, 2)], edge),
  };
}

function partBefore(graph: OnnxGraph, nodes: readonly GraphNode[], output: string): NonNullable<TreeParts['before']> {
  const taken = new Set(nodes.flatMap((node) => node.inputs));
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => taken.has(name) && !constants.has(name));
  const model = partModel(
    graph,
    nodes,
    inputs.map(({ bytes }) => bytes),
    [tensorInfo(output, ELEMENT.float, 2)],
  );
  return { model, inputs: inputs.map(({ name }) => name) };
}

function partAfter(
  graph: OnnxGraph,
  nodes: readonly GraphNode[],
  edge: { label: string | null; scores: string | null; labelInfo: Uint8Array | null; scoresInfo: Uint8Array | null },
): NonNullable<TreeParts['after']> {
  const taken = new Set(nodes.flatMap((node) => node.inputs));
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const inputs: string[] = [];
  const infos: Uint8Array[] = [];
  for (const [name, info] of [
    [edge.label, edge.labelInfo],
    [edge.scores, edge.scoresInfo],
  ] as const) {
    if (name === null || info === null || !taken.has(name)) continue;
    inputs.push(name);
    infos.push(info);
  }
  const outputs = graph.outputs.filter(({ name }) => made.has(name)).map(({ bytes }) => bytes);
  return { model: partModel(graph, nodes, infos, outputs), inputs };
}

// Nodes that a value is made of.
function ancestors(graph: OnnxGraph, name: string): Set<GraphNode> {
  const maker = makersOf(graph.nodes);
  const found = new Set<GraphNode>();
  const todo = [name];
  for (let top = todo.pop(); top !== undefined; top = todo.pop()) {
    const node = maker.get(top);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    todo.push(...node.inputs);
  }
  return found;
}
