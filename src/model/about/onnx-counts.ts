import type { AboutTrees } from '../../base/contract/model-about.ts';
import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { labelsOfNode } from '../onnx/node-labels.ts';
import { attributeOf, integersOf, textsOf } from '../trees/onnx-attributes.ts';
import { type OnnxNode, readOnnxNode } from '../trees/onnx-node.ts';

/** What the nodes and weights of a graph add up to. Field numbers: onnx/onnx.proto. */
export interface OnnxCounts {
  /** `domain:Op` -> how often it stands in the file. */
  readonly operators: Map<string, number>;
  parameters: number;
  trees: AboutTrees | null;
  classes: readonly (string | number)[] | null;
}

const MOST_DEPTH = 64;

/** Counts a graph and the graphs in it. Errors: RangeError on bytes that do not parse. */
export function countGraph(graph: Uint8Array, counts: OnnxCounts, depth = 0): void {
  if (depth > MOST_DEPTH) throw new RangeError('subgraphs nested more than 64 deep');
  for (const { number, bytes } of protoFields(graph)) {
    if (bytes === null) continue;
    if (number === 1) countNode(bytes, counts, depth);
    if (number === 5) counts.parameters += numbersOf(bytes);
    // SparseTensorProto: values 1.
    if (number === 15)
      for (const part of protoFields(bytes))
        if (part.number === 1 && part.bytes !== null) counts.parameters += numbersOf(part.bytes);
  }
}

/** Counts a node. */
export function countNode(bytes: Uint8Array, counts: OnnxCounts, depth = 0): void {
  let operator = '';
  let domain = 'ai.onnx';
  const attributes: Uint8Array[] = [];
  for (const field of protoFields(bytes)) {
    if (field.number === 4) operator = protoText(field.bytes);
    if (field.number === 5 && field.bytes !== null) attributes.push(field.bytes);
    if (field.number === 7) domain = protoText(field.bytes) || 'ai.onnx';
  }
  const key = `${domain}:${operator}`;
  counts.operators.set(key, (counts.operators.get(key) ?? 0) + 1);
  const isTrees = domain === 'ai.onnx.ml' && operator.startsWith('TreeEnsemble');
  if (isTrees) counts.trees = moreTrees(counts.trees, treesOf(readOnnxNode(bytes)));
  for (const attribute of attributes) {
    const name = nameOf(attribute);
    if (name.startsWith('classlabels_')) counts.classes ??= labelsOfNode(bytes);
    else if (!isTrees) countAttribute(attribute, counts, depth);
  }
}

// AttributeProto: t 5, g 6, floats 7 (packed, or one by one), tensors 10, graphs 11.
function countAttribute(attribute: Uint8Array, counts: OnnxCounts, depth: number): void {
  const part = new ProtoCursor(attribute);
  while (part.next()) {
    const { number, wire } = part;
    if (number === 7) counts.parameters += wire === 5 ? 1 : (part.end - part.start) / 4;
    if (wire !== 2) continue;
    if (number === 5 || number === 10) counts.parameters += numbersOf(part.slice());
    if (number === 6 || number === 11) countGraph(part.slice(), counts, depth + 1);
  }
}

function nameOf(attribute: Uint8Array): string {
  for (const field of protoFields(attribute)) if (field.number === 1) return protoText(field.bytes);
  return '';
}

function treesOf(node: OnnxNode): AboutTrees {
  const roots = integersOf(node, 'tree_roots');
  // TreeEnsemble (ai.onnx.ml 5) lists leaves apart from nodes.
  if (roots.length > 0) {
    const inner = attributeOf(node, 'nodes_splits')?.tensor?.data.length ?? 0;
    const leaves = attributeOf(node, 'leaf_weights')?.tensor?.data.length ?? 0;
    return { trees: roots.length, nodes: inner + leaves, leaves };
  }
  const modes = textsOf(node, 'nodes_modes');
  const leaves = modes.filter((mode) => mode === 'LEAF').length;
  return { trees: new Set(integersOf(node, 'nodes_treeids')).size, nodes: modes.length, leaves };
}

function moreTrees(some: AboutTrees | null, more: AboutTrees): AboutTrees {
  if (some === null) return more;
  return { trees: some.trees + more.trees, nodes: some.nodes + more.nodes, leaves: some.leaves + more.leaves };
}

/** Numbers in a TensorProto by its dims, which stand one by one or packed; texts are no numbers. */
function numbersOf(tensor: Uint8Array): number {
  let count = 1;
  let isText = false;
  const part = new ProtoCursor(tensor);
  while (part.next()) {
    if (part.number === 1 && part.wire === 0) count *= part.value;
    if (part.number === 1 && part.wire === 2) {
      const dims = new ProtoCursor(tensor, part.start, part.end);
      while (dims.nextVarint()) count *= dims.value;
    }
    if (part.number === 2 && part.wire === 0) isText = part.value === STRING;
  }
  return isText ? 0 : count;
}

/** TensorProto.DataType. */
const STRING = 8;
