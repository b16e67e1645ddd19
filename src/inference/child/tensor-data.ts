import type { LiveData, LiveTensor } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { zeros } from '../../model/elements/elements.ts';

/** Elements [from, to): a view of a typed array, a copy of texts. Owns: whoever owns `data`. */
export function sliceData(data: LiveData, from: number, to: number): LiveData {
  if (!ArrayBuffer.isView(data)) return from === 0 && to === data.length ? data : data.slice(from, to);
  return (data as Uint8Array).subarray(from, to);
}

/** A copy of rows [from, from + count) of a tensor whose first axis is rows. */
export function copyRows(tensor: LiveTensor, from: number, count: number): LiveTensor {
  const tail = tensor.dims.slice(1);
  const width = countOf(tail);
  const cut = (tensor.data as Uint8Array).slice(from * width, (from + count) * width);
  return { type: tensor.type, dims: [count, ...tail], data: cut };
}

/** One tensor of the rows of several, in order. Their tails are equal. */
export function joinRows(parts: readonly LiveTensor[]): LiveTensor {
  const { type, dims } = parts[0]!;
  const joined = [parts.reduce((sum, part) => sum + (part.dims[0] ?? 0), 0), ...dims.slice(1)];
  return {
    type,
    dims: joined,
    data: joinData(
      type,
      parts.map((part) => part.data),
    ),
  };
}

/** The elements of several, in order. */
export function joinData(type: TensorType, pieces: readonly LiveData[]): LiveData {
  const joined = zeros(
    type,
    pieces.reduce((sum, piece) => sum + lengthOf(piece), 0),
  );
  let at = 0;
  for (const piece of pieces) {
    writeData(joined, piece, at);
    at += lengthOf(piece);
  }
  return joined;
}

function lengthOf(data: LiveData): number {
  return (data as readonly string[]).length;
}

/** Elements of a tensor. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

/** Writes the elements of `from` at element `at` of `into`. Both are typed arrays of one type, or texts. */
export function writeData(into: LiveData, from: LiveData, at: number): void {
  if (ArrayBuffer.isView(into)) (into as Uint8Array).set(from as Uint8Array, at);
  else for (const [i, text] of (from as readonly string[]).entries()) (into as string[])[at + i] = text;
}
