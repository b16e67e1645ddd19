import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sampleOf } from '../../base/formats/file-sample.ts';
import { ProtoCursor } from '../../base/formats/proto-cursor.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { foreignModel } from './foreign-model.ts';

/** Structure of an ONNX file, read before ONNX Runtime sees it. Field numbers: onnx/onnx.proto (ModelProto and below). */
export interface OnnxFile {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  /** Operator domains and types in use, subgraphs and functions included: `domain:Op`. */
  readonly operators: ReadonlySet<string>;
  readonly functionDomains: ReadonlySet<string>;
  /** A batch normalization in training mode is in it. */
  readonly isInTraining: boolean;
  /** Files that hold the bytes of tensors, as the graph names them, and a tensor of each. */
  readonly externalTensors: ReadonlyMap<string, string>;
  /** Graph outputs that are no tensors: name -> kind in words. */
  readonly otherOutputs: ReadonlyMap<string, string>;
  readonly otherInputs: ReadonlyMap<string, string>;
  /** Graph inputs that are tensors of no declared shape; ONNX Runtime tells them as scalars. */
  readonly shapelessInputs: ReadonlySet<string>;
  /** What the exporter wrote beside the graph. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface Found {
  operators: Set<string>;
  isInTraining: boolean;
  externalTensors: Map<string, string>;
}

const MAX_DEPTH = 64;

/** Errors: MODEL_INVALID when the bytes are no ONNX model; of other formats it says which, and how to convert them. Owns: nothing is kept of `bytes`. */
export function readOnnxFile(bytes: Uint8Array, where: string): OnnxFile {
  // ONNX Runtime would take it for its own format, whatever else it may be.
  if (new TextDecoder('latin1').decode(bytes.subarray(4, 8)) === 'ORTM') throw refusal(bytes, where);
  try {
    return readModel(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refusal(bytes, where, error);
  }
}

function refusal(bytes: Uint8Array, where: string, cause?: RangeError): PrescoreError {
  const what = `model file is damaged or cut short (${cause?.message ?? 'it is of another format'})`;
  return foreignModel(sampleOf(bytes, where), where) ?? new PrescoreError('MODEL_INVALID', { what, where, cause });
}

function readModel(bytes: Uint8Array): OnnxFile {
  const found: Found = { operators: new Set(), isInTraining: false, externalTensors: new Map() };
  const opsets: Record<string, number> = {};
  const functionDomains = new Set<string>();
  const otherOutputs = new Map<string, string>();
  const otherInputs = new Map<string, string>();
  const shapelessInputs = new Set<string>();
  const metadata = new Map<string, string>();
  let irVersion = 0;
  let producer = '';
  let hasGraph = false;
  for (const field of protoFields(bytes)) {
    if (field.number === 1 && field.varint !== null) irVersion = field.varint;
    if (field.number === 2) producer = protoText(field.bytes);
    if (field.number === 7 && field.bytes !== null) {
      hasGraph = true;
      walkGraph(field.bytes, found, 0);
      readValues(field.bytes, 12, otherOutputs);
      readValues(field.bytes, 11, otherInputs, shapelessInputs);
    }
    if (field.number === 8 && field.bytes !== null) readOpset(field.bytes, opsets);
    if (field.number === 14 && field.bytes !== null) readMetadata(field.bytes, metadata);
    if (field.number === 25 && field.bytes !== null) functionDomains.add(walkFunction(field.bytes, found));
  }
  if (!hasGraph) throw new RangeError('no graph');
  const { operators, isInTraining, externalTensors } = found;
  const facts = { irVersion, producer, opsets, operators, functionDomains, isInTraining, externalTensors };
  return { ...facts, otherOutputs, otherInputs, shapelessInputs, metadata };
}

const MOST_METADATA = 2 ** 20;

function readMetadata(bytes: Uint8Array, metadata: Map<string, string>): void {
  if (bytes.length <= MOST_METADATA) metadata.set(...readEntry(bytes));
}

/** StringStringEntryProto: key 1, value 2, of which `most` bytes are read. Errors: RangeError on bytes that do not parse. */
export function readEntry(bytes: Uint8Array, most = bytes.length): [key: string, value: string] {
  let key = '';
  let value = '';
  for (const field of protoFields(bytes)) {
    if (field.number === 1) key = protoText(field.bytes);
    if (field.number === 2) value = protoText(field.bytes?.subarray(0, most) ?? null);
  }
  return [key, value];
}

/** OperatorSetIdProto: domain 1, version 2. Errors: RangeError on bytes that do not parse. */
export function readOpset(bytes: Uint8Array, opsets: Record<string, number>): void {
  let domain = '';
  let version = 0;
  for (const field of protoFields(bytes)) {
    if (field.number === 1) domain = protoText(field.bytes);
    if (field.number === 2 && field.varint !== null) version = field.varint;
  }
  opsets[domain === '' ? 'ai.onnx' : domain] = version;
}

// GraphProto: node 1, initializer 5, sparse_initializer 15.
function walkGraph(graph: Uint8Array, found: Found, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError('subgraphs nested more than 64 deep');
  for (const field of protoFields(graph)) {
    if (field.bytes === null) continue;
    if (field.number === 1) walkNode(field.bytes, found, depth);
    if (field.number === 5) checkTensor(field.bytes, found);
    if (field.number === 15) checkSparse(field.bytes, found);
  }
}

// FunctionProto: node 7, domain 10, attributes with defaults 11.
function walkFunction(bytes: Uint8Array, found: Found): string {
  let domain = '';
  for (const field of protoFields(bytes)) {
    if (field.number === 7 && field.bytes !== null) walkNode(field.bytes, found, 0);
    if (field.number === 10) domain = protoText(field.bytes);
    if (field.number === 11 && field.bytes !== null) walkAttribute(field.bytes, found, 0);
  }
  return domain;
}

// NodeProto: op_type 4, attribute 5, domain 7. AttributeProto: t 5, g 6, tensors 10, graphs 11, sparse 22 and 23.
function walkNode(node: Uint8Array, found: Found, depth: number): void {
  let domain = '';
  let operator = '';
  for (const field of protoFields(node)) {
    if (field.number === 4) operator = protoText(field.bytes);
    if (field.number === 7) domain = protoText(field.bytes);
    if (field.number === 5 && field.bytes !== null) walkAttribute(field.bytes, found, depth);
  }
  if (operator === 'BatchNormalization' && isTrue(node, 'training_mode')) found.isInTraining = true;
  found.operators.add(`${domain === '' ? 'ai.onnx' : domain}:${operator}`);
}

// AttributeProto: name 1, i 3.
function isTrue(node: Uint8Array, attribute: string): boolean {
  for (const field of protoFields(node)) {
    if (field.number !== 5 || field.bytes === null) continue;
    const parts = [...protoFields(field.bytes)];
    const isNamed = parts.some(({ number, bytes }) => number === 1 && protoText(bytes) === attribute);
    if (isNamed && parts.some(({ number, varint }) => number === 3 && varint === 1)) return true;
  }
  return false;
}

// Attributes of trees have a field per node.
function walkAttribute(attribute: Uint8Array, found: Found, depth: number): void {
  const part = new ProtoCursor(attribute);
  while (part.next()) {
    const { number, wire } = part;
    if (wire !== 2) continue;
    if (number === 5 || number === 10) checkTensor(part.slice(), found);
    if (number === 6 || number === 11) walkGraph(part.slice(), found, depth + 1);
    if (number === 22 || number === 23) checkSparse(part.slice(), found);
  }
}

function checkSparse(sparse: Uint8Array, found: Found): void {
  for (const field of protoFields(sparse))
    if (field.bytes !== null && field.number <= 2) checkTensor(field.bytes, found);
}

// TensorProto: name 8, external_data 13 (entries of key 1 and value 2), data_location 14 (1 = external).
function checkTensor(tensor: Uint8Array, found: Found): void {
  let name = '';
  // All that is said of it: of several places, readers take this one or that.
  const locations: string[] = [];
  let isExternal = false;
  for (const field of protoFields(tensor)) {
    if (field.number === 8) name = protoText(field.bytes);
    if (field.number === 13 || (field.number === 14 && field.varint === 1)) isExternal = true;
    if (field.number !== 13 || field.bytes === null) continue;
    const [key, value] = readEntry(field.bytes);
    if (key === 'location') locations.push(value);
  }
  if (!isExternal) return;
  for (const location of locations.length === 0 ? [''] : locations) found.externalTensors.set(location, name);
}

/** TypeProto: what is no tensor, by its field. */
export const OTHER_KINDS: Readonly<Record<number, string>> = {
  4: 'sequence',
  5: 'map',
  8: 'sparse tensor',
  9: 'optional',
};

// ValueInfoProto: name 1, type 2. TypeProto: tensor 1. TypeProto.Tensor: shape 2.
function readValues(
  graph: Uint8Array,
  number: number,
  into: Map<string, string>,
  shapeless: Set<string> = new Set(),
): void {
  for (const field of protoFields(graph)) {
    if (field.number !== number || field.bytes === null) continue;
    let name = '';
    let kind: string | undefined;
    let isShapeless = false;
    for (const part of protoFields(field.bytes)) {
      if (part.number === 1) name = protoText(part.bytes);
      if (part.number !== 2 || part.bytes === null) continue;
      for (const type of protoFields(part.bytes)) {
        kind = OTHER_KINDS[type.number] ?? kind;
        if (type.number === 1 && type.bytes !== null)
          isShapeless = ![...protoFields(type.bytes)].some((field) => field.number === 2);
      }
    }
    if (kind !== undefined) into.set(name, kind);
    if (isShapeless) shapeless.add(name);
  }
}
