import type { LiveModel, LiveTensor } from '../../base/contract/live-model.ts';
import type { TensorSignature } from '../../base/contract/signature.ts';
import { datatypeOf, elementCount, shapeCount } from './datatypes.ts';
import { limitFault, listNames, requestFault } from './request-fault.ts';
import type { WireTensor } from './wire.ts';

export interface CheckedInputs {
  readonly inputs: ReadonlyMap<string, LiveTensor>;
  readonly rows: number;
}

type ModelShape = Pick<LiveModel, 'signature' | 'fixedBatch' | 'maxRows'>;

/**
 * Whether the first axis of a tensor counts rows: it is open, or it is the model's fixed batch. Other inputs have one value
 * for all rows.
 */
export function hasBatchAxis({ dims }: TensorSignature, fixedBatch: number | null): boolean {
  return dims.length > 0 && (dims[0] === null || (fixedBatch !== null && dims[0] === fixedBatch));
}

/**
 * Holds the tensors of a request against a model: names, datatypes, ranks, axes, element counts, and that all inputs with a
 * batch axis have as many rows. Rows is 1 when no input has such an axis. Owns: data is passed on, not copied.
 *
 * Errors: LIVE_REQUEST; HTTP_TOO_LARGE for too many rows.
 */
export function checkInputs(model: ModelShape, tensors: readonly WireTensor[]): CheckedInputs {
  const wanted = model.signature.inputs;
  const inputs = new Map<string, LiveTensor>();
  let rows: number | null = null;
  let rowsFrom = '';
  for (const tensor of tensors) {
    const where = `input ${tensor.name}`;
    const declared = wanted.find(({ name }) => name === tensor.name);
    if (declared === undefined)
      throw requestFault('the model has no such input', where, listNames(wanted.map(({ name }) => name)));
    if (inputs.has(tensor.name)) throw requestFault('the input is there twice', where);
    checkTensor(tensor, declared, model.fixedBatch, where);
    if (hasBatchAxis(declared, model.fixedBatch)) {
      const own = tensor.shape[0]!;
      if (rows !== null && own !== rows) {
        throw requestFault('inputs have different numbers of rows', where, `${rows} as ${rowsFrom}`, String(own));
      }
      rows = own;
      rowsFrom = where;
    }
    inputs.set(tensor.name, { type: tensor.type, dims: tensor.shape, data: tensor.data });
  }
  const missing = wanted.filter(({ name }) => !inputs.has(name));
  if (missing.length > 0)
    throw requestFault(
      'inputs are missing',
      'inputs',
      listNames(missing.map(({ name }) => name)),
      listNames(inputs.keys()),
    );
  const counted = rows ?? 1;
  if (counted > model.maxRows)
    throw limitFault('too many rows in one request', 'inputs', `at most ${model.maxRows}`, String(counted));
  return { inputs, rows: counted };
}

/**
 * The names of the outputs that a request gets, in the order asked for; without a wish all tensors of the model but those on request.
 *
 * Errors: LIVE_REQUEST.
 */
export function checkOutputs(model: ModelShape, wanted: readonly string[] | null): readonly string[] {
  const tensors = model.signature.outputs.filter(({ type }) => type !== null);
  const known = tensors.map(({ name }) => name);
  if (wanted === null || wanted.length === 0)
    return tensors.filter(({ isOnRequest }) => isOnRequest !== true).map(({ name }) => name);
  const seen = new Set<string>();
  for (const name of wanted) {
    if (!known.includes(name)) throw requestFault('the model has no such output', `output ${name}`, listNames(known));
    if (seen.has(name)) throw requestFault('the output is asked for twice', `output ${name}`);
    seen.add(name);
  }
  return wanted;
}

function checkTensor(tensor: WireTensor, declared: TensorSignature, fixedBatch: number | null, where: string): void {
  if (declared.type !== tensor.type) {
    const expected = declared.type === null ? declared.declared : datatypeOf(declared.type);
    throw requestFault('another datatype', where, expected, datatypeOf(tensor.type));
  }
  const { shape } = tensor;
  const isBatched = hasBatchAxis(declared, fixedBatch);
  const fits =
    shape.length === declared.dims.length &&
    declared.dims.every((dim, axis) => dim === null || (axis === 0 && isBatched) || dim === shape[axis]);
  if (!fits) throw requestFault('another shape', where, sayShape(declared, isBatched), sayDims(shape));
  const count = shapeCount(shape);
  if (count !== elementCount(tensor.data))
    throw requestFault('shape and data differ', where, `${count} elements`, String(elementCount(tensor.data)));
}

function sayShape({ dims }: TensorSignature, isBatched: boolean): string {
  return sayDims(dims.map((dim, axis) => (dim === null || (axis === 0 && isBatched) ? -1 : dim)));
}

function sayDims(dims: readonly number[]): string {
  return `[${dims.slice(0, 16).join(', ')}]`;
}
