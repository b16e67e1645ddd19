import type { LiveModel } from '../../base/contract/live-model.ts';
import type { TensorSignature } from '../../base/contract/signature.ts';
import { readBinaryTensor, textOf } from './binary-tensors.ts';
import { NO_PARAMETERS, readParameters, refuseSharedMemory } from './call-parameters.ts';
import { hasBatchAxis } from './check-tensors.ts';
import { typeOfDatatype, wireBytes } from './datatypes.ts';
import { readJsonTensor } from './json-tensors.ts';
import { asCount, asFlag, asList, asObject, asShape, asText, type Fields } from './read-fields.ts';
import { requestFault } from './request-fault.ts';
import type { CallParameters, WireTensor } from './wire.ts';

/** An infer request over HTTP, read. */
export interface InferRequestBody {
  readonly id: string | null;
  readonly parameters: CallParameters;
  readonly inputs: readonly WireTensor[];
  /** Null: all outputs. */
  readonly outputs: readonly string[] | null;
  /** Whether an output goes out as bytes; by name, and for those that are not listed. */
  readonly isBinary: (output: string) => boolean;
}

const NO_FIELDS: Fields = Object.freeze({});

/**
 * Reads a body of `POST .../infer`. `header` is Inference-Header-Content-Length: absent, the whole body is JSON; a number, so
 * many bytes are JSON and binary tensors follow in the order of the inputs; 0, all of it is the one input's data, one row.
 *
 * Errors: LIVE_REQUEST, and those of `parseJson`.
 */
export function readInferRequest(
  body: Buffer,
  header: string | undefined,
  model: Pick<LiveModel, 'signature' | 'fixedBatch'>,
  parseJson: (bytes: Buffer) => unknown,
): InferRequestBody {
  const length = header === undefined ? body.length : readHeaderLength(header, body.length);
  if (header !== undefined && length === 0) return readRaw(body, model);
  const request = asObject(parseJson(body.subarray(0, length)), 'body');
  const parameters = readParameters(parametersOf(request, 'parameters'));
  const binary = new BinaryTail(body, length);
  const inputs = asList(request['inputs'], 'inputs').map((input, i) => readInput(input, i, binary));
  binary.end();
  const outputs = new Map<string, boolean>();
  if (request['outputs'] !== undefined && request['outputs'] !== null) {
    asList(request['outputs'], 'outputs').forEach((value, i) => {
      const where = `outputs[${i}]`;
      const output = asObject(value, where);
      const name = asText(output['name'], `${where}.name`);
      if (outputs.has(name)) throw requestFault('the output is asked for twice', where);
      outputs.set(name, readOutput(output, parameters.binaryOutput, where));
    });
  }
  return {
    id: readId(request['id']),
    parameters,
    inputs,
    outputs: outputs.size === 0 ? null : [...outputs.keys()],
    isBinary: (name) => outputs.get(name) ?? parameters.binaryOutput,
  };
}

/** The binary part of a body, taken off from the front. */
class BinaryTail {
  private readonly body: Buffer;
  private at: number;

  constructor(body: Buffer, from: number) {
    this.body = body;
    this.at = from;
  }

  take(size: number, where: string): Buffer {
    const left = this.body.length - this.at;
    if (size > left)
      throw requestFault('binary_data_size is larger than what follows', where, `at most ${left}`, String(size));
    this.at += size;
    return this.body.subarray(this.at - size, this.at);
  }

  end(): void {
    const left = this.body.length - this.at;
    if (left > 0) throw requestFault('bytes are left over after the last input', 'body', '0', String(left));
  }
}

function readInput(value: unknown, index: number, binary: BinaryTail): WireTensor {
  const input = asObject(value, `inputs[${index}]`);
  const name = asText(input['name'], `inputs[${index}].name`);
  const where = `input ${name}`;
  const datatype = asText(input['datatype'], `${where}, datatype`);
  const type = typeOfDatatype(datatype);
  if (type === null) throw requestFault('no such datatype', where, 'one of the protocol', datatype);
  const shape = asShape(input['shape'], `${where}, shape`);
  const parameters = parametersOf(input, where);
  refuseSharedMemory(parameters, where);
  const size = asCount(parameters['binary_data_size'], `${where}, binary_data_size`);
  const data = input['data'];
  if (size !== null) {
    if (data !== undefined) throw requestFault('both data and binary_data_size', where, 'one of them');
    return { name, type, shape, data: readBinaryTensor(type, shape, binary.take(size, where), where) };
  }
  if (data === undefined) throw requestFault('there is no data', where, 'data, or the parameter binary_data_size');
  if (type === 'float16') throw requestFault('FP16 has no form in JSON', where, 'the parameter binary_data_size');
  return { name, type, shape, data: readJsonTensor(type, shape, data, where) };
}

function readOutput(output: Fields, otherwise: boolean, where: string): boolean {
  const parameters = parametersOf(output, where);
  refuseSharedMemory(parameters, where);
  if ((asCount(parameters['classification'], `${where}, classification`) ?? 0) > 0)
    throw requestFault('the classification extension is not served', where);
  return asFlag(parameters['binary_data'], otherwise, `${where}, binary_data`);
}

// Raw mode: no JSON at all, so the shape comes from the model; at most one axis beside the rows may be open.
function readRaw(body: Buffer, model: Pick<LiveModel, 'signature' | 'fixedBatch'>): InferRequestBody {
  const [input, second] = model.signature.inputs;
  if (input === undefined || input.type === null || second !== undefined)
    throw requestFault('a raw body needs a model with one input', 'body', '1', String(model.signature.inputs.length));
  const where = `input ${input.name}`;
  // One text is the whole body; its length needs no framing.
  const data =
    input.type === 'string'
      ? [textOf(body, 0, body.length, where)]
      : readBinaryTensor(input.type, rawShape(input, model.fixedBatch, body.length, where), body, where);
  const shape = rawShape(input, model.fixedBatch, input.type === 'string' ? null : body.length, where);
  const tensor: WireTensor = { name: input.name, type: input.type, shape, data };
  const parameters = { ...NO_PARAMETERS, binaryOutput: true };
  return { id: null, parameters, inputs: [tensor], outputs: null, isBinary: () => true };
}

function rawShape(
  input: TensorSignature,
  fixedBatch: number | null,
  bytes: number | null,
  where: string,
): readonly number[] {
  const isBatched = hasBatchAxis(input, fixedBatch);
  const dims = input.dims.map((dim, axis) => (axis === 0 && isBatched ? 1 : dim));
  const open = dims.filter((dim) => dim === null).length;
  if (open > 1) throw requestFault('a raw body needs a shape with one open axis at most', where);
  const known = dims.reduce<number>((product, dim) => product * (dim ?? 1), 1);
  const elements = bytes === null ? 1 : bytes / wireBytes(input.type!)!;
  if (!Number.isInteger(elements) || (open === 1 ? known === 0 || elements % known !== 0 : elements !== known)) {
    const expected = `${open === 1 ? 'a multiple of ' : ''}${known} elements`;
    throw requestFault('the raw body does not fit the input', where, expected, `${bytes ?? 1} bytes`);
  }
  return dims.map((dim) => dim ?? elements / known);
}

function readHeaderLength(header: string, bodyBytes: number): number {
  const length = /^[0-9]{1,10}$/.test(header) ? Number(header) : Number.NaN;
  if (length <= bodyBytes) return length;
  const expected = `a number up to the ${bodyBytes} bytes of the body`;
  throw requestFault('Inference-Header-Content-Length does not fit', 'header', expected);
}

function parametersOf(fields: Fields, where: string): Fields {
  const parameters = fields['parameters'];
  return parameters === undefined || parameters === null ? NO_FIELDS : asObject(parameters, `${where}, parameters`);
}

function readId(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return asText(value, 'id');
}
