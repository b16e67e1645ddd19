import type { TensorType } from '../../base/contract/signature.ts';
import { toHalfBits } from './half.ts';

/** A constant in the form its tensor stores (half bits, BigInt for 64-bit integers, 0 or 1 for bool). */
export function storedValue(type: TensorType, value: number | bigint | boolean): number | bigint {
  if (type === 'int64' || type === 'uint64') return BigInt(value);
  const number = Number(value);
  return type === 'float16' ? toHalfBits(number) : number;
}
