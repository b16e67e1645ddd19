import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { bytesField, concatBytes, textField, varintField } from '../../base/formats/protobuf-write.ts';

/** A node as the graph has it: its bytes, and what it takes and gives. */
export interface GraphNode {
  readonly bytes: Uint8Array;
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A value at the edge of a graph. */
export interface GraphValue {
  readonly name: string;
  /** ValueInfoProto. */
  readonly bytes: Uint8Array;
}

/** The parts of a model from which models of some of its nodes can be made. Field numbers: onnx/onnx.proto. */
export interface OnnxGraph {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Fields of the model beside the graph that every part keeps: versions, operator sets, functions. */
  readonly around: Uint8Array;
  /** Nodes with graphs of their own, or sparse initializers: what they take cannot be seen from outside. */
  readonly isOpaque: boolean;
}

/** Errors: RangeError on bytes that do not parse. Owns: the graph keeps views of `bytes`. */
export function readOnnxGraph(bytes: Uint8Array): OnnxGraph {
  const nodes: GraphNode[] = [];
  const initializers: { name: string; bytes: Uint8Array }[] = [];
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const around: Uint8Array[] = [];
  let isOpaque = false;
  for (const field of protoFields(bytes)) {
    // ir_version 1, opset_import 8, functions 25.
    if (field.number === 1 && field.varint !== null) around.push(varintField(1, field.varint));
    if ((field.number === 8 || field.number === 25) && field.bytes !== null)
      around.push(bytesField(field.number, field.bytes));
    if (field.number !== 7 || field.bytes === null) continue;
    for (const part of protoFields(field.bytes)) {
      if (part.bytes === null) continue;
      if (part.number === 1) {
        const { node, hasGraph } = readNode(part.bytes);
        nodes.push(node);
        isOpaque ||= hasGraph;
      }
      if (part.number === 5) initializers.push({ name: nameOf(part.bytes, 8), bytes: part.bytes });
      if (part.number === 11) inputs.push({ name: nameOf(part.bytes, 1), bytes: part.bytes });
      if (part.number === 12) outputs.push({ name: nameOf(part.bytes, 1), bytes: part.bytes });
      if (part.number === 15) isOpaque = true;
    }
  }
  return { nodes, initializers, inputs, outputs, around: concatBytes(around), isOpaque };
}

/** The node that makes each value. */
export function makersOf(nodes: readonly GraphNode[]): ReadonlyMap<string, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** A model of some nodes, with the initializers that they take. */
export function partModel(
  graph: OnnxGraph,
  nodes: readonly GraphNode[],
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const taken = new Set(nodes.flatMap((node) => node.inputs));
  const parts: Uint8Array[] = [
    ...nodes.map((node) => bytesField(1, node.bytes)),
    textField(2, 'part'),
    ...graph.initializers.filter(({ name }) => taken.has(name)).map(({ bytes }) => bytesField(5, bytes)),
    ...inputs.map((value) => bytesField(11, value)),
    ...outputs.map((value) => bytesField(12, value)),
  ];
  const body = concatBytes(parts);
  return concatBytes([graph.around, bytesField(7, body)]);
}

/** TensorProto.DataType. */
export const ELEMENT = { float: 1, int64: 7, string: 8 } as const;

/** The value info of a tensor of any shape, `axes` axes of any length. */
export function tensorInfo(name: string, element: number, axes: number): Uint8Array {
  const dims = Array.from({ length: axes }, (_, i) => bytesField(1, textField(2, `${name}_${i}`)));
  const shape = bytesField(2, concatBytes(dims));
  const tensor = concatBytes([varintField(1, element), shape]);
  return concatBytes([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}

/** The value info of scores, [N, classes]. */
export function scoresInfo(name: string, element: number, classes: number): Uint8Array {
  // An empty Dimension is an axis of any length.
  const shape = bytesField(2, concatBytes([bytesField(1, new Uint8Array(0)), bytesField(1, varintField(1, classes))]));
  const tensor = concatBytes([varintField(1, element), shape]);
  return concatBytes([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}

/** A node of ai.onnx.ml: LinearClassifier that hands `classes` scores through its post-transform. */
export function transformNode(
  input: string,
  outputs: readonly [string, string],
  classes: number,
  transform: string,
): GraphNode {
  const identity = Float32Array.from({ length: classes * classes }, (_, i) => (i % (classes + 1) === 0 ? 1 : 0));
  const labels = Array.from({ length: Math.max(2, classes) }, (_, i) => i);
  const bytes = concatBytes([
    textField(1, input),
    ...outputs.map((output) => textField(2, output)),
    textField(4, 'LinearClassifier'),
    textField(7, 'ai.onnx.ml'),
    attribute('coefficients', 6, bytesField(7, floatBytes(identity))),
    attribute('intercepts', 6, bytesField(7, floatBytes(new Float32Array(classes)))),
    attribute('classlabels_ints', 7, concatBytes(labels.map((label) => varintField(8, label)))),
    attribute('post_transform', 3, textField(4, transform)),
  ]);
  return { bytes, operator: 'LinearClassifier', domain: 'ai.onnx.ml', inputs: [input], outputs };
}

// AttributeProto: name 1, type 20.
function attribute(name: string, type: number, value: Uint8Array): Uint8Array {
  return bytesField(5, concatBytes([textField(1, name), value, varintField(20, type)]));
}

// NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. AttributeProto: g 6, graphs 11.
function readNode(bytes: Uint8Array): { node: GraphNode; hasGraph: boolean } {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let operator = '';
  let domain = '';
  let hasGraph = false;
  for (const field of protoFields(bytes)) {
    if (field.number === 1) inputs.push(protoText(field.bytes));
    if (field.number === 2) outputs.push(protoText(field.bytes));
    if (field.number === 4) operator = protoText(field.bytes);
    if (field.number === 7) domain = protoText(field.bytes);
    // Attributes of trees have a field per node; graphs come alone.
    if (field.number === 5 && field.bytes !== null && operator !== '' && !operator.startsWith('TreeEnsemble'))
      for (const part of protoFields(field.bytes)) hasGraph ||= part.number === 6 || part.number === 11;
  }
  return { node: { bytes, operator, domain, inputs, outputs }, hasGraph };
}

function nameOf(bytes: Uint8Array, number: number): string {
  for (const field of protoFields(bytes)) if (field.number === number) return protoText(field.bytes);
  return '';
}

function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
