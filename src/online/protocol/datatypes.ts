import type { LiveData } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { type ElementArray, elementBytes, elementView } from '../../model/elements/elements.ts';

/** Element types as the Open Inference Protocol spells them. BF16, an addition of one server, is not among them. */
const BY_TYPE = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Record<TensorType, string>;

export type Datatype = (typeof BY_TYPE)[TensorType];

const BY_NAME: ReadonlyMap<string, TensorType> = new Map(
  Object.entries(BY_TYPE).map(([type, name]) => [name, type as TensorType]),
);

/** All datatypes, in the order in which the protocol lists them. */
export const DATATYPES: readonly Datatype[] = Object.values(BY_TYPE);

/** The protocol's name of an element type. */
export function datatypeOf(type: TensorType): Datatype {
  return BY_TYPE[type];
}

/** The element type of a datatype's name; null when the protocol does not have it. */
export function typeOfDatatype(name: string): TensorType | null {
  return BY_NAME.get(name) ?? null;
}

/** Bytes of one element on the wire; null for BYTES, whose elements have lengths of their own. */
export function wireBytes(type: TensorType): number | null {
  return type === 'string' ? null : elementBytes(type);
}

/** A fresh typed array of `count` zeros, as `LiveTensor.data` has it. Not for strings. Owns: the caller. */
export function newElements(type: Exclude<TensorType, 'string'>, count: number): ElementArray {
  return elementView(type, new ArrayBuffer(count * elementBytes(type)), 0, count);
}

/** Elements of a tensor's data. */
export function elementCount(data: LiveData): number {
  return ArrayBuffer.isView(data) ? (data as ElementArray).length : data.length;
}

/** The product of a shape's axes; null when it is above 2^31, which no request can hold. */
export function shapeCount(shape: readonly number[]): number | null {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const axis of shape) {
    count *= axis;
    if (count > 2 ** 31) return null;
  }
  return count;
}
