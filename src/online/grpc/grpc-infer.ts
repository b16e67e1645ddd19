import type { LiveData } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { readBinaryTensor, textOf, writeBinaryTensor } from '../protocol/binary-tensors.ts';
import { readParameters, refuseSharedMemory } from '../protocol/call-parameters.ts';
import { datatypeOf, shapeCount, typeOfDatatype } from '../protocol/datatypes.ts';
import { elementWriter } from '../protocol/json-tensors.ts';
import { asShape } from '../protocol/read-fields.ts';
import { requestFault } from '../protocol/request-fault.ts';
import type { InferCall, InferResult, WireTensor } from '../protocol/wire.ts';
import {
  type InputTensor,
  type ModelInferRequest,
  type ModelInferResponse,
  type OutputTensor,
  plainParameters,
  type TensorContents,
  toBigint,
} from './grpc-messages.ts';

/** The list of contents that holds elements of a type; null: only raw contents can. */
const CONTENTS = {
  bool: 'bool_contents',
  int8: 'int_contents',
  int16: 'int_contents',
  int32: 'int_contents',
  int64: 'int64_contents',
  uint8: 'uint_contents',
  uint16: 'uint_contents',
  uint32: 'uint_contents',
  uint64: 'uint64_contents',
  float16: null,
  float32: 'fp32_contents',
  float64: 'fp64_contents',
  string: 'bytes_contents',
} as const satisfies Record<TensorType, keyof TensorContents | null>;

/** A ModelInfer request in neutral form. Errors: LIVE_REQUEST. */
export function readGrpcCall(request: ModelInferRequest): Pick<InferCall, 'id' | 'inputs' | 'outputs' | 'parameters'> {
  const raw = request.raw_input_contents;
  if (raw.length > 0 && raw.length !== request.inputs.length) {
    const expected = `${request.inputs.length} as there are inputs`;
    throw requestFault('inputs and raw_input_contents differ', 'raw_input_contents', expected, String(raw.length));
  }
  const outputs = request.outputs.map(({ name, parameters }) => {
    refuseSharedMemory(parameters, `output ${name}`);
    return name;
  });
  return {
    id: request.id === '' ? null : request.id,
    parameters: readParameters(plainParameters(request.parameters)),
    inputs: request.inputs.map((input, i) => readInput(input, raw[i] ?? null)),
    outputs: outputs.length === 0 ? null : outputs,
  };
}

/** The answer, raw where the request was, or where an output has no list of contents. Errors: none. */
export function writeGrpcAnswer(result: InferResult, isRaw: boolean): ModelInferResponse {
  const allRaw = isRaw || result.outputs.some(({ type }) => CONTENTS[type] === null);
  const outputs = result.outputs.map(({ name, type, shape, data }): OutputTensor => {
    const list = CONTENTS[type];
    const tensor = { name, datatype: datatypeOf(type), shape };
    return allRaw || list === null ? tensor : { ...tensor, contents: { [list]: contentsOf(type, data) } };
  });
  return {
    model_name: result.model.name,
    model_version: result.model.version ?? '',
    id: result.id ?? '',
    outputs,
    raw_output_contents: allRaw ? result.outputs.map(({ type, data }) => writeBinaryTensor(type, data)) : [],
  };
}

function readInput(input: InputTensor, raw: Buffer | null): WireTensor {
  const { name, contents } = input;
  const where = `input ${name}`;
  refuseSharedMemory(input.parameters, where);
  const type = typeOfDatatype(input.datatype);
  if (type === null) throw requestFault('no such datatype', where, 'one of the protocol', input.datatype);
  const shape = asShape(
    input.shape.map((axis) => Number(toBigint(axis))),
    `${where}, shape`,
  );
  const list = CONTENTS[type];
  const filled = contents === null ? [] : Object.entries(contents).filter(([, values]) => values.length > 0);
  if (raw !== null) {
    if (filled.length > 0) throw requestFault('both contents and raw_input_contents', where, 'one of them');
    return { name, type, shape, data: readBinaryTensor(type, shape, raw, where) };
  }
  if (list === null) throw requestFault(`${datatypeOf(type)} has no typed contents`, where, 'raw_input_contents');
  const other = filled.find(([key]) => key !== list);
  if (other !== undefined) throw requestFault('contents of another type', where, list, other[0]);
  return { name, type, shape, data: readContents(type, shape, contents?.[list] ?? [], where) };
}

function readContents(type: TensorType, shape: readonly number[], values: readonly unknown[], where: string): LiveData {
  const count = shapeCount(shape);
  if (count !== values.length)
    throw requestFault('shape and contents differ', where, `${count ?? 'fewer'} elements`, String(values.length));
  if (type === 'int64' || type === 'uint64') {
    const data = type === 'int64' ? new BigInt64Array(count) : new BigUint64Array(count);
    for (let i = 0; i < count; i++) data[i] = toBigint(values[i] as Parameters<typeof toBigint>[0]);
    return data;
  }
  if (type === 'string') {
    return (values as readonly Buffer[]).map((bytes, i) => textOf(bytes, 0, bytes.length, `${where}, element ${i}`));
  }
  const writer = elementWriter(type, count, where);
  for (const value of values) writer.put(value);
  return writer.data;
}

function contentsOf(type: TensorType, data: LiveData): readonly unknown[] {
  switch (type) {
    case 'bool':
      return Array.from(data as Uint8Array, (bit) => bit !== 0);
    case 'int64':
    case 'uint64':
      return Array.from(data as BigInt64Array, String);
    case 'string':
      return (data as readonly string[]).map((text) => Buffer.from(text));
    default:
      return Array.from(data as Float32Array);
  }
}
