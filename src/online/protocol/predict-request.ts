import type { LiveModel } from '../../base/contract/live-model.ts';
import type { TensorSignature, TensorType } from '../../base/contract/signature.ts';
import { hasBatchAxis } from './check-tensors.ts';
import { shapeCount } from './datatypes.ts';
import { type ElementWriter, elementWriter } from './json-tensors.ts';
import { asList, asObject, asText, type Fields } from './read-fields.ts';
import { listNames, requestFault } from './request-fault.ts';
import type { WireTensor } from './wire.ts';

/** A predict request in either of its forms. */
export interface PredictRequestBody {
  /** rows: `instances`, answered by `predictions`. columns: `inputs`, answered by `outputs`. */
  readonly form: 'rows' | 'columns';
  readonly inputs: readonly WireTensor[];
}

type ModelShape = Pick<LiveModel, 'signature' | 'fixedBatch'>;

/**
 * Reads the body of `:predict`. V1 names no datatypes, so values are read as the types of the model's inputs; a scalar may
 * stand for an axis of length 1.
 *
 * Errors: LIVE_REQUEST.
 */
export function readPredictRequest(body: unknown, model: ModelShape): PredictRequestBody {
  const request = asObject(body, 'body');
  const signature = request['signature_name'];
  if (signature !== undefined && asText(signature, 'signature_name') !== 'serving_default')
    throw requestFault('models have one signature', 'signature_name', 'serving_default, or nothing');
  const { instances, inputs } = request;
  if ((instances === undefined) === (inputs === undefined))
    throw requestFault('instances (rows) or inputs (columns) must be there, and not both', 'body');
  if (instances !== undefined) return { form: 'rows', inputs: readRows(asList(instances, 'instances'), model) };
  return { form: 'columns', inputs: readColumns(inputs, model) };
}

function readRows(rows: readonly unknown[], model: ModelShape): readonly WireTensor[] {
  const declared = tensorsOf(model);
  const isNamed = rows.some(isNamedValues);
  if (!isNamed && declared.length > 1 && rows.length > 0)
    throw requestFault(
      'the model has several inputs',
      'instances',
      `objects of ${listNames(declared.map((i) => i.name))}`,
    );
  if (isNamed) for (const [i, row] of rows.entries()) checkNames(row, declared, `instances[${i}]`);
  return declared.map((input) => {
    const take = (row: unknown): unknown => (isNamed ? (row as Fields)[input.name] : row);
    if (hasBatchAxis(input, model.fixedBatch))
      return readStack(
        input,
        rows.length,
        (row) => take(rows[row]),
        (row) => `instances[${row}], input ${input.name}`,
      );
    if (rows.length !== 1)
      throw requestFault(
        'this input has one value for all rows',
        `input ${input.name}`,
        'the form with inputs (columns)',
      );
    return readWhole(input, take(rows[0]));
  });
}

function readColumns(inputs: unknown, model: ModelShape): readonly WireTensor[] {
  const declared = tensorsOf(model);
  const isNamed = isNamedValues(inputs);
  if (!isNamed && declared.length > 1)
    throw requestFault(
      'the model has several inputs',
      'inputs',
      `an object of ${listNames(declared.map((i) => i.name))}`,
    );
  if (isNamed) checkNames(inputs, declared, 'inputs');
  return declared.map((input) => {
    const value = isNamed ? (inputs as Fields)[input.name] : inputs;
    if (!hasBatchAxis(input, model.fixedBatch)) return readWhole(input, value);
    const rows = asList(value, `input ${input.name}`);
    return readStack(
      input,
      rows.length,
      (row) => rows[row],
      (row) => `input ${input.name}, row ${row}`,
    );
  });
}

function tensorsOf({ signature }: ModelShape): readonly (TensorSignature & { readonly type: TensorType })[] {
  return signature.inputs.map((input) => {
    if (input.type !== null) return { ...input, type: input.type };
    throw requestFault('the model takes an input that is no tensor', `input ${input.name}`);
  });
}

/** One value a row, stacked along the first axis. */
function readStack(
  input: TensorSignature & { readonly type: TensorType },
  rows: number,
  take: (row: number) => unknown,
  sayRow: (row: number) => string,
): WireTensor {
  const axes = rows === 0 ? input.dims.slice(1).map((dim) => dim ?? 0) : openAxes(input.dims.slice(1), take(0));
  const count = shapeCount(axes) ?? Number.POSITIVE_INFINITY;
  // Counted before memory for all rows is taken: the first row alone must not decide how much.
  for (let row = 0; row < rows; row++) if (countLeaves(take(row)) !== count) throw differs(axes, sayRow(row));
  const writer = elementWriter(input.type, rows * count, `input ${input.name}`);
  for (let row = 0; row < rows; row++) put(take(row), axes, 0, writer, () => sayRow(row));
  return { name: input.name, type: input.type, shape: [rows, ...axes], data: writer.data };
}

function readWhole(input: TensorSignature & { readonly type: TensorType }, value: unknown): WireTensor {
  const where = `input ${input.name}`;
  const shape = openAxes(input.dims, value);
  if (countLeaves(value) !== shapeCount(shape)) throw differs(shape, where);
  const writer = elementWriter(input.type, shapeCount(shape)!, where);
  put(value, shape, 0, writer, () => where);
  return { name: input.name, type: input.type, shape, data: writer.data };
}

// Open axes get the lengths that the value has there.
function openAxes(dims: readonly (number | null)[], value: unknown): readonly number[] {
  let inner = value;
  return dims.map((dim) => {
    const length = Array.isArray(inner) ? inner.length : 1;
    if (Array.isArray(inner)) inner = inner[0];
    return dim ?? length;
  });
}

function countLeaves(value: unknown): number {
  if (!Array.isArray(value)) return 1;
  let count = 0;
  for (const inner of value) count += countLeaves(inner);
  return count;
}

function put(value: unknown, axes: readonly number[], axis: number, writer: ElementWriter, where: () => string): void {
  if (axis === axes.length) {
    if (Array.isArray(value)) throw differs(axes, where());
    writer.put(value);
    return;
  }
  if (!Array.isArray(value)) {
    if (axes.slice(axis).some((length) => length !== 1)) throw differs(axes, where());
    writer.put(value);
    return;
  }
  if (value.length !== axes[axis]) throw differs(axes, where());
  for (const inner of value) put(inner, axes, axis + 1, writer, where);
}

function differs(axes: readonly number[], where: string) {
  return requestFault('another shape', where, axes.length === 0 ? 'a single value' : `[${axes.join(', ')}]`);
}

function checkNames(value: unknown, declared: readonly TensorSignature[], where: string): void {
  if (!isNamedValues(value)) throw requestFault('all must be objects when one is', where);
  const names = Object.keys(value);
  const unknown = names.find((name) => !declared.some((input) => input.name === name));
  const known = listNames(declared.map(({ name }) => name));
  if (unknown !== undefined) throw requestFault(`the model has no input ${unknown}`, where, known);
  const missing = declared.find(({ name }) => value[name] === undefined);
  if (missing !== undefined) throw requestFault(`input ${missing.name} is missing`, where, known);
}

// `{"b64": …}` is a value, not names of inputs.
function isNamedValues(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).join() !== 'b64';
}
