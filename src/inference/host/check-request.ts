import type { InferRequest, LiveTensor } from '../../base/contract/live-model.ts';
import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { BatchAxis } from '../../model/elements/batch-axis.ts';
import { elementBytes } from '../../model/elements/elements.ts';
import { countOf } from '../child/tensor-data.ts';

/** A request that fits the model, as the queue counts it. */
export interface FittingRequest {
  /** Of all its tensors; texts by their length. */
  readonly bytes: number;
  /** Equal for requests that may share a batch. */
  readonly key: string;
  /** Null: all outputs. */
  readonly fetches: readonly string[] | null;
}

/** Constants of up to so many bytes are compared; requests with larger ones are scored alone. */
const COMPARED_BYTES = 256;

let alone = 0;

/**
 * Compares a request with the model's signature.
 *
 * Errors: LIVE_REQUEST naming the tensor, what the model takes and what came. Owns: nothing is kept.
 */
export function checkRequest(
  request: InferRequest,
  signature: Signature,
  axis: BatchAxis,
  maxRows: number,
): FittingRequest {
  const { rows, inputs, outputs } = request;
  if (!Number.isInteger(rows) || rows < 0 || rows > maxRows) {
    throw misfit('the number of rows is out of range', 'rows', `0 to ${maxRows}`, String(rows));
  }
  let bytes = 0;
  let key = outputsKey(outputs, axis);
  for (const input of signature.inputs) {
    const tensor = inputs.get(input.name);
    if (tensor === undefined) throw misfit('an input is missing', input.name, describe(input), 'nothing');
    const isBatched = axis.batched.has(input.name);
    bytes += checkTensor(tensor, input, isBatched ? rows : null);
    if (!isBatched) key += constantKey(tensor);
    else if (input.dims.length > 1) key += `${tensor.dims.slice(1)};`;
  }
  if (inputs.size !== signature.inputs.length) {
    const names = signature.inputs.map((input) => input.name);
    const unknown = [...inputs.keys()].find((name) => !names.includes(name)) ?? '';
    throw misfit('the model has no such input', unknown, names.join(', '), unknown);
  }
  return { bytes, key, fetches: outputs === null ? null : [...new Set(outputs)] };
}

function outputsKey(outputs: readonly string[] | null, axis: BatchAxis): string {
  if (outputs === null) return '';
  const known = [...axis.fetches, ...axis.onRequest];
  const unknown = outputs.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw misfit('the model has no such output tensor', unknown, known.join(', '), unknown);
  }
  if (outputs.length === 0) throw misfit('no output is asked for', 'outputs', axis.fetches.join(', '), 'none');
  return `${[...new Set(outputs)].map((name) => known.indexOf(name))}:`;
}

// The bytes of a tensor that fits.
function checkTensor(tensor: LiveTensor, input: TensorSignature, rows: number | null): number {
  const { dims, type, data } = tensor;
  if (type !== input.type) throw misfit('a tensor has another type', input.name, describe(input), type);
  const wanted = rows === null ? input.dims : [rows, ...input.dims.slice(1)];
  const fits =
    dims.length === wanted.length && dims.every((d, i) => d === (wanted[i] ?? d) && d >= 0 && Number.isInteger(d));
  if (!fits) {
    throw misfit(
      'a tensor has another shape',
      input.name,
      describe({ ...input, dims: wanted }),
      `[${dims.join(', ')}]`,
    );
  }
  const count = countOf(dims);
  if (type === 'string') return checkTexts(data, count, input.name);
  const bytes = count * elementBytes(type);
  if (ArrayBuffer.isView(data) && data.byteLength === bytes) return bytes;
  const got = ArrayBuffer.isView(data) ? `${data.byteLength} bytes` : 'texts';
  throw misfit('a tensor has too few or too many values', input.name, `${bytes} bytes`, got);
}

function checkTexts(data: LiveTensor['data'], count: number, name: string): number {
  if (ArrayBuffer.isView(data) || data.length !== count) {
    const got = ArrayBuffer.isView(data) ? 'numbers' : `${data.length}`;
    throw misfit('a tensor has too few or too many values', name, `${count} texts`, got);
  }
  let bytes = 0;
  for (const text of data) {
    bytes += text.length + 16;
    // The runtime would cut the text there, or write another one.
    if (text.includes('\0')) throw misfit('a text holds a NUL character', name, 'texts without NUL', 'NUL');
    if (!text.isWellFormed()) throw misfit('a text is not valid Unicode', name, 'valid Unicode', 'a lone surrogate');
  }
  return bytes;
}

// Inputs without rows are the same for a whole batch.
function constantKey({ dims, data }: LiveTensor): string {
  if (!ArrayBuffer.isView(data)) return `${dims}${JSON.stringify(data)};`;
  if (data.byteLength > COMPARED_BYTES) return `alone ${++alone};`;
  return `${dims}${Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).toString('latin1')};`;
}

function describe(input: TensorSignature): string {
  return `${input.type ?? input.declared} [${input.dims.map((d, i) => d ?? (i === 0 ? 'rows' : 'any')).join(', ')}]`;
}

function misfit(what: string, where: string, expected: string, got: string): PrescoreError {
  return new PrescoreError('LIVE_REQUEST', { what, where, expected, got });
}
