import type { AboutTensor, ModelAbout } from '../../base/contract/model-about.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { OTHER_KINDS, readEntry, readOpset } from '../onnx/onnx-file.ts';
import { countGraph, countNode, type OnnxCounts } from './onnx-counts.ts';

/** What an ONNX file says of itself. Errors: RangeError on bytes that do not parse. Owns: nothing is kept of `bytes`. */
export function aboutOnnx(bytes: Uint8Array): ModelAbout {
  const counts: OnnxCounts = { operators: new Map(), parameters: 0, trees: null, classes: null };
  const opsets: Record<string, number> = {};
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  let [irVersion, name, version] = [0, '', ''];
  let edge: Edge = { inputs: [], outputs: [], constants: new Set() };
  for (const field of protoFields(bytes)) {
    if (field.number === 1 && field.varint !== null) irVersion = field.varint;
    if (field.number === 2) name = protoText(field.bytes);
    if (field.number === 3) version = protoText(field.bytes);
    if (field.bytes === null) continue;
    if (field.number === 7) {
      countGraph(field.bytes, counts);
      edge = edgeOf(field.bytes);
    }
    if (field.number === 8) readOpset(field.bytes, opsets);
    if (field.number === 14) addEntry(field.bytes, metadata);
    // FunctionProto: node 7.
    if (field.number === 25)
      for (const part of protoFields(field.bytes))
        if (part.number === 7 && part.bytes !== null) countNode(part.bytes, counts);
  }
  const operators = [...counts.operators]
    .map(([key, count]) => {
      const cut = key.lastIndexOf(':');
      return { domain: key.slice(0, cut), name: key.slice(cut + 1), count };
    })
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return {
    format: 'ONNX',
    producer: [name, version].filter((text) => text !== '').join(' '),
    irVersion,
    opsets,
    operators,
    inputs: edge.inputs.filter((input) => !edge.constants.has(input.name)),
    outputs: edge.outputs,
    parameters: counts.parameters,
    trees: counts.trees,
    metadata,
    classes: counts.classes,
    objective: null,
  };
}

interface Edge {
  readonly inputs: AboutTensor[];
  readonly outputs: AboutTensor[];
  /** Old files name their weights among the inputs. */
  readonly constants: Set<string>;
}

// GraphProto: initializer 5, input 11, output 12. TensorProto: name 8.
function edgeOf(graph: Uint8Array): Edge {
  const edge: Edge = { inputs: [], outputs: [], constants: new Set() };
  for (const { number, bytes } of protoFields(graph)) {
    if (bytes === null) continue;
    if (number === 11) edge.inputs.push(edgeValue(bytes));
    if (number === 12) edge.outputs.push(edgeValue(bytes));
    if (number !== 5) continue;
    for (const part of protoFields(bytes)) if (part.number === 8) edge.constants.add(protoText(part.bytes));
  }
  return edge;
}

const TYPES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
];

// ValueInfoProto: name 1, type 2. TypeProto: tensor 1. TypeProto.Tensor: elem_type 1, shape 2.
function edgeValue(value: Uint8Array): AboutTensor {
  let name = '';
  let type = 'undefined';
  let shape: AboutTensor['shape'] = null;
  for (const part of protoFields(value)) {
    if (part.number === 1) name = protoText(part.bytes);
    if (part.number !== 2 || part.bytes === null) continue;
    for (const kind of protoFields(part.bytes)) {
      type = OTHER_KINDS[kind.number] ?? type;
      if (kind.number !== 1 || kind.bytes === null) continue;
      for (const tensor of protoFields(kind.bytes)) {
        if (tensor.number === 1 && tensor.varint !== null) type = TYPES[tensor.varint] ?? `type ${tensor.varint}`;
        if (tensor.number === 2 && tensor.bytes !== null) shape = shapeOf(tensor.bytes);
      }
    }
  }
  return { name, type, shape };
}

// TensorShapeProto: dim 1. Dimension: dim_value 1, dim_param 2. A negative length is written by some for an open axis.
function shapeOf(bytes: Uint8Array): (number | string | null)[] {
  return [...protoFields(bytes)].flatMap(({ number, bytes: dim }) => {
    if (number !== 1 || dim === null) return [];
    let length: number | string | null = null;
    for (const part of protoFields(dim)) {
      if (part.number === 1 && part.varint !== null) length = part.varint < 2 ** 53 ? part.varint : null;
      if (part.number === 2) length = protoText(part.bytes) || null;
    }
    return [length];
  });
}

const MOST_TEXT = 2000;
const MOST_BYTES = 2 ** 20;

function addEntry(bytes: Uint8Array, metadata: Record<string, string>): void {
  const [key, value] = readEntry(bytes, MOST_BYTES);
  metadata[key] = value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT)}…` : value;
}
