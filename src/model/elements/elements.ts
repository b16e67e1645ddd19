import type { TensorType } from '../../base/contract/signature.ts';

/** Typed arrays by element type. Strings cross as uint32 codes of a dictionary; bool and float16 by their raw form. */
export type ElementArray =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint32Array
  | BigUint64Array;

/** A tensor as it goes into a session and comes out. Data of float16 is raw bits (Uint16Array), of bool one byte a value. */
export interface TensorValue {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: ArrayLike<unknown>;
}

/** A tensor that is fed. */
export interface FeedTensor extends TensorValue {
  readonly data: ElementArray | readonly string[];
}

/** Bytes of an element in a slab. */
const BYTES: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
  string: 4,
};

/** All element types that are known. */
export const TENSOR_TYPES = Object.keys(BYTES) as readonly TensorType[];

/** Whether the runtime's name of an element type is a known one. */
export function isTensorType(name: string): name is TensorType {
  return Object.hasOwn(BYTES, name);
}

/** Bytes per element in a slab. */
export function elementBytes(type: TensorType): number {
  return BYTES[type];
}

/** A view of `count` elements at `offset` bytes. Owns: the buffer's owner; the view copies nothing. */
export function elementView(type: TensorType, buffer: ArrayBufferLike, offset: number, count: number): ElementArray {
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, offset, count);
    case 'float64':
      return new Float64Array(buffer, offset, count);
    case 'int8':
      return new Int8Array(buffer, offset, count);
    case 'int16':
      return new Int16Array(buffer, offset, count);
    case 'int32':
      return new Int32Array(buffer, offset, count);
    case 'int64':
      return new BigInt64Array(buffer, offset, count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, offset, count);
    case 'uint16':
    case 'float16':
      return new Uint16Array(buffer, offset, count);
    case 'uint32':
    case 'string':
      return new Uint32Array(buffer, offset, count);
    case 'uint64':
      return new BigUint64Array(buffer, offset, count);
  }
}

/** `count` zeros, or empty texts. Owns: the caller. */
export function zeros(type: TensorType, count: number): ElementArray | string[] {
  if (type === 'string') return new Array<string>(count).fill('');
  return elementView(type, new ArrayBuffer(count * elementBytes(type)), 0, count);
}

/** Bounds of integer tensors, inclusive, as far as a double holds them exactly. */
export const INTEGER_BOUNDS: Partial<Record<TensorType, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  uint8: [0, 255],
  uint16: [0, 65535],
  uint32: [0, 4294967295],
  int64: [-9007199254740992, 9007199254740992],
  uint64: [0, 9007199254740992],
  bool: [0, 1],
};
