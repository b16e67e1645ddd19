import { type TensorValue, zeros } from '../elements/elements.ts';

/** Elements of a tensor. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

/** Rows [from, from + count). Owns: a view of typed arrays, a copy of texts. */
export function rowsOf(value: TensorValue, from: number, count: number): TensorValue {
  const tail = value.dims.slice(1);
  const width = countOf(tail);
  if (from === 0 && count === value.dims[0]) return value;
  const { data } = value;
  const part = ArrayBuffer.isView(data)
    ? (data as Float32Array).subarray(from * width, (from + count) * width)
    : Array.from({ length: count * width }, (_, i) => data[from * width + i]);
  return { type: value.type, dims: [count, ...tail], data: part };
}

/** The same values. Owns: the caller. */
export function copied(value: TensorValue): TensorValue {
  const { data } = value;
  return { ...value, data: ArrayBuffer.isView(data) ? (data as Float32Array).slice() : Array.from(data) };
}

/** The rows in this order; one may come several times. Owns: the caller. */
export function gathered(value: TensorValue, order: ArrayLike<number>): TensorValue {
  const tail = value.dims.slice(1);
  const width = countOf(tail);
  const data: ArrayLike<unknown> = zeros(value.type, order.length * width);
  const dims = [order.length, ...tail];
  if (ArrayBuffer.isView(data) && ArrayBuffer.isView(value.data)) {
    const [to, from] = [data as Uint8Array, value.data as Uint8Array];
    for (let row = 0; row < order.length; row++)
      to.set(from.subarray(order[row]! * width, (order[row]! + 1) * width), row * width);
    return { type: value.type, dims, data };
  }
  const cells = data as unknown[];
  for (let row = 0; row < order.length; row++)
    for (let i = 0; i < width; i++) cells[row * width + i] = value.data[order[row]! * width + i];
  return { type: value.type, dims, data };
}

/** The rows, and copies of the last one up to `size`. Owns: the caller, unless nothing was to be added. */
export function padded(value: TensorValue, size: number): TensorValue {
  const rows = value.dims[0] ?? 0;
  if (rows >= size) return value;
  return gathered(
    value,
    Int32Array.from({ length: size }, (_, i) => Math.min(i, rows - 1)),
  );
}

/** The rows of several results one behind another; of an output without rows, the first. What some of them lack is left out. */
export function joined(parts: readonly ReadonlyMap<string, TensorValue>[]): Map<string, TensorValue> {
  const all = new Map<string, TensorValue>();
  for (const [name, first] of parts[0] ?? []) {
    const values = parts.flatMap((part) => part.get(name) ?? []);
    if (values.length < parts.length) continue;
    const tail = first.dims.slice(1);
    if (first.dims.length === 0 || values.some(({ dims }) => dims.slice(1).join() !== tail.join())) {
      all.set(name, first);
      continue;
    }
    const rows = values.reduce((sum, { dims }) => sum + dims[0]!, 0);
    const data = zeros(first.type, rows * countOf(tail));
    let at = 0;
    for (const { data: part } of values) {
      if (Array.isArray(data)) for (let i = 0; i < part.length; i++) data[at + i] = part[i] as string;
      else (data as Float32Array).set(part as Float32Array, at);
      at += part.length;
    }
    all.set(name, { type: first.type, dims: [rows, ...tail], data });
  }
  return all;
}
