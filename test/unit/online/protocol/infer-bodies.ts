import type { LiveModel } from '../../../../src/base/contract/live-model.ts';
import type { Dim, TensorType } from '../../../../src/base/contract/signature.ts';
import { parseBody } from '../../../../src/online/http/parse-body.ts';
import { type InferRequestBody, readInferRequest } from '../../../../src/online/protocol/infer-request.ts';

export type ModelShape = Pick<LiveModel, 'signature' | 'fixedBatch' | 'maxRows'>;

/** A model as the readers see it. */
export function modelOf(
  inputs: Readonly<Record<string, readonly [TensorType, readonly Dim[]]>>,
  outputs: Readonly<Record<string, readonly [TensorType, readonly Dim[]]>> = { y: ['float32', [null]] },
  fixedBatch: number | null = null,
): ModelShape {
  const side = (tensors: typeof inputs) =>
    Object.entries(tensors).map(([name, [type, dims]]) => ({ name, type, dims, declared: type }));
  return { signature: { inputs: side(inputs), outputs: side(outputs) }, fixedBatch, maxRows: 100 };
}

export const VECTOR = modelOf({ x: ['float32', [null, 3]] });

/** Reads a body with the limits that serve has by default. */
export function read(body: Buffer | string, header?: string, model: ModelShape = VECTOR): InferRequestBody {
  const limits = { depth: 16, stringBytes: 65_536 };
  return readInferRequest(Buffer.from(body), header, model, (bytes) => parseBody(bytes, limits));
}

/** JSON and bytes after it, with the length for the header. */
export function binaryBody(request: unknown, ...tails: readonly Uint8Array[]): readonly [Buffer, string] {
  const head = Buffer.from(JSON.stringify(request));
  return [Buffer.concat([head, ...tails]), String(head.length)];
}

/** One input `x` of binary data. */
export function binaryInput(datatype: string, shape: readonly number[], bytes: Uint8Array, size = bytes.length) {
  const input = { name: 'x', datatype, shape, parameters: { binary_data_size: size } };
  return binaryBody({ inputs: [input] }, bytes);
}
