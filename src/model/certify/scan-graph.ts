import type { GraphFinding } from '../../base/contract/exact.ts';
import { protoFields, protoText } from '../../base/formats/protobuf.ts';
import { readOnnxGraph } from '../engine/onnx-graph.ts';
import { type OnnxNode, readOnnxNode } from '../trees/onnx-node.ts';
import { readTensor } from '../trees/onnx-tensor.ts';

const QUANTIZING = new Set([
  'DynamicQuantizeLinear',
  'DynamicQuantizeMatMul',
  'DynamicQuantizeLSTM',
  'QAttention',
  'DynamicQuantizeGemm',
]);
const RANDOM = new Set([
  ...['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Multinomial', 'Bernoulli'],
]);
/** Over one axis; the number is the default. */
const ONE_AXIS: Readonly<Record<string, number>> = {
  Softmax: -1,
  LogSoftmax: -1,
  Hardmax: -1,
  ArgMax: 0,
  ArgMin: 0,
  TopK: -1,
  LpNormalization: -1,
};
/** Operators whose answers say nothing of values. */
const SHAPES = new Set(['Shape', 'Size']);

/**
 * Nodes of a model that can make a row depend on the other rows of its batch, or on chance: named for people, as a trial decides. Graphs
 * within nodes are not looked at, nor axes that are counted from behind.
 *
 * Errors: RangeError on bytes that do not parse. Owns: nothing is kept of `bytes`.
 */
export function scanGraph(bytes: Uint8Array): readonly GraphFinding[] {
  const graph = readOnnxGraph(bytes);
  const constants = new Map<string, () => readonly number[]>();
  for (const { name, bytes: tensor } of graph.initializers) constants.set(name, () => numbersOf(tensor));
  const fromRows = new Set(graph.inputs.map(({ name }) => name).filter((name) => !constants.has(name)));
  const found: GraphFinding[] = [];
  for (const { bytes: own, operator, inputs, outputs } of graph.nodes) {
    // Attributes of trees are long, and none of them is asked for.
    const node = operator.startsWith('TreeEnsemble') ? null : readNode(own);
    const [output = ''] = outputs;
    if (node !== null && operator === 'Constant') constants.set(output, () => constantOf(node));
    const isOfRows = inputs.some((name) => fromRows.has(name));
    const why = node === null ? null : whyOf(node, constants, isOfRows);
    if (why !== null) found.push({ operator, node: nodeName(own) || output, why });
    if (isOfRows && !SHAPES.has(operator)) for (const name of outputs) fromRows.add(name);
  }
  return found;
}

type Constants = ReadonlyMap<string, () => readonly number[]>;

// Tensors of odd types among the attributes: such a node is none of those that are looked for.
function readNode(bytes: Uint8Array): OnnxNode | null {
  try {
    return readOnnxNode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function constantOf({ attributes }: OnnxNode): readonly number[] {
  const [tensor, list, one] = ['value', 'value_ints', 'value_int'].map((name) => attributes.get(name));
  return [...(tensor?.tensor?.data ?? list?.integers ?? (one === undefined ? [] : [one.integer]))];
}

// TensorProto: raw_data 9. Flags are a byte each there, which the reader of trees does not know.
function numbersOf(tensor: Uint8Array): readonly number[] {
  try {
    return [...readTensor(tensor).data];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  for (const field of protoFields(tensor)) if (field.number === 9 && field.bytes !== null) return [...field.bytes];
  return [];
}

// NodeProto: name 3.
function nodeName(bytes: Uint8Array): string {
  for (const field of protoFields(bytes)) if (field.number === 3) return protoText(field.bytes);
  return '';
}

function whyOf(node: OnnxNode, constants: Constants, isOfRows: boolean): GraphFinding['why'] | null {
  const { operator } = node;
  if (QUANTIZING.has(operator)) return 'quantization';
  if (RANDOM.has(operator)) return 'random';
  if (isInTraining(node, constants)) return 'training';
  return isOfRows && axesOf(node, constants).includes(0) ? 'batch axis' : null;
}

// Dropout has had its switch as an attribute (is_test, before operator set 7) and as its third input. A model whose batch normalization is in
// training mode does not load.
function isInTraining({ operator, inputs }: OnnxNode, constants: Constants): boolean {
  const [, , mode] = inputs;
  return operator === 'Dropout' && mode !== undefined && mode !== '' && (constants.get(mode)?.()[0] ?? 0) !== 0;
}

/** Axes that a node adds up, compares or sorts over. */
function axesOf(node: OnnxNode, constants: Constants): readonly number[] {
  const { operator, attributes, inputs } = node;
  const axis = ONE_AXIS[operator];
  if (axis !== undefined) return [attributes.get('axis')?.integer ?? axis];
  if (operator === 'CumSum') return constants.get(inputs[1] ?? '')?.() ?? [];
  if (!operator.startsWith('Reduce')) return [];
  const given = attributes.get('axes')?.integers ?? constants.get(inputs[1] ?? '')?.();
  if (given !== undefined && given.length > 0) return [...given];
  // Without axes it is over all of them, unless they are computed.
  const isComputed = inputs[1] !== undefined && inputs[1] !== '' && given === undefined;
  return isComputed || attributes.get('noop_with_empty_axes')?.integer === 1 ? [] : [0];
}
