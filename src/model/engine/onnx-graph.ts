import { protoFields, protoText } from '../../base/formats/protobuf.ts';

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
  const around: number[][] = [];
  let isOpaque = false;
  for (const field of protoFields(bytes)) {
    // ir_version 1, opset_import 8, functions 25.
    if (field.number === 1 && field.varint !== null) around.push([0x08, ...varint(field.varint)]);
    if ((field.number === 8 || field.number === 25) && field.bytes !== null)
      around.push([...lengthDelimited(field.number, field.bytes)]);
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
  return { nodes, initializers, inputs, outputs, around: Uint8Array.from(around.flat()), isOpaque };
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
    ...nodes.map((node) => lengthDelimited(1, node.bytes)),
    lengthDelimited(2, new TextEncoder().encode('part')),
    ...graph.initializers.filter(({ name }) => taken.has(name)).map(({ bytes }) => lengthDelimited(5, bytes)),
    ...inputs.map((value) => lengthDelimited(11, value)),
    ...outputs.map((value) => lengthDelimited(12, value)),
  ];
  const body = concat(parts);
  return concat([graph.around, lengthDelimited(7, body)]);
}

/** TensorProto.DataType. */
export const ELEMENT = { float: 1, int64: 7, string: 8 } as const;

/** The value info of a tensor of any shape, `axes` axes of any length. */
export function tensorInfo(name: string, element: number, axes: number): Uint8Array {
  const dims = Array.from({ length: axes }, (_, i) => lengthDelimited(1, lengthDelimited(2, utf8(`${name}_${i}`))));
  const shape = lengthDelimited(2, concat(dims));
  const tensor = concat([Uint8Array.from([0x08, element]), shape]);
  return concat([lengthDelimited(1, utf8(name)), lengthDelimited(2, lengthDelimited(1, tensor))]);
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
  const bytes = concat([
    lengthDelimited(1, utf8(input)),
    ...outputs.map((output) => lengthDelimited(2, utf8(output))),
    lengthDelimited(4, utf8('LinearClassifier')),
    lengthDelimited(7, utf8('ai.onnx.ml')),
    attribute('coefficients', 6, lengthDelimited(7, floatBytes(identity))),
    attribute('intercepts', 6, lengthDelimited(7, floatBytes(new Float32Array(classes)))),
    attribute('classlabels_ints', 7, Uint8Array.from(labels.flatMap((label) => [0x40, ...varint(label)]))),
    attribute('post_transform', 3, lengthDelimited(4, utf8(transform))),
  ]);
  return { bytes, operator: 'LinearClassifier', domain: 'ai.onnx.ml', inputs: [input], outputs };
}

// AttributeProto: name 1, type 20.
function attribute(name: string, type: number, value: Uint8Array): Uint8Array {
  return lengthDelimited(5, concat([lengthDelimited(1, utf8(name)), value, Uint8Array.from([0xa0, 0x01, type])]));
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

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

function lengthDelimited(number: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return [...bytes, left];
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
