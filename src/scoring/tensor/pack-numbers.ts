import type { RejectRule } from '../../base/contract/binding.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { type ElementArray, INTEGER_BOUNDS } from '../../model/elements/elements.ts';
import { toHalfBits } from '../../model/elements/half.ts';
import { storedValue } from '../../model/elements/stored-value.ts';

/** A numeric source: a typed array and which of its rows are valid (bit i of `validity`; null: all). */
export interface NumberSource {
  readonly carrier: 'f32' | 'f64' | 'i32' | 'i64' | 'u64';
  /** f32: Float32Array, f64: Float64Array, i32: Int32Array, i64 and u64: two words a row, low first. */
  readonly data: Float32Array | Float64Array | Int32Array;
  readonly validity: Uint8Array | null;
}

/** Element i goes to `out[base + i * stride]`. */
export interface PackTarget {
  readonly type: TensorType;
  readonly out: ElementArray;
  readonly base: number;
  readonly stride: number;
}

/** Called for an element that breaks a cast rule; never for a null. */
export type OnBad = (element: number, rule: RejectRule) => void;

const MAX_EXACT = 9007199254740992;
let staging = new Float64Array(4096);

/**
 * Copies `count` numbers from row `from` into a tensor, checking every cast: a finite value that overflows to infinity is
 * `not_finite_cast`; a fraction for an integer tensor is `fraction`; NaN for one is `not_a_number`; a value outside the
 * type is `out_of_range`; an integer beyond 2^53 is `precision` except from int64 to int64 (uint64 to uint64), which is
 * exact. Integers within 2^53 round to the nearest float, as numpy does. Nulls leave garbage: call `fillNulls` next.
 */
export function packNumbers(source: NumberSource, from: number, count: number, target: PackTarget, onBad: OnBad): void {
  const { carrier, data } = source;
  if (carrier === 'f32' && target.type === 'float32' && data instanceof Float32Array) {
    copyFloats(data, from, count, target.out as Float32Array, target.base, target.stride);
    return;
  }
  if ((carrier === 'i64' && target.type === 'int64') || (carrier === 'u64' && target.type === 'uint64')) {
    copyWords(data as Int32Array, from, count, target);
    return;
  }
  const numbers = stage(source, from, count, onBad);
  const offset = numbers === data ? from : 0;
  finish(numbers, offset, from, count, source.validity, target, onBad);
}

/** Writes a constant where the source is null, or reports those rows when there is none. */
export function fillNulls(
  validity: Uint8Array | null,
  from: number,
  count: number,
  target: PackTarget,
  fill: number | bigint | null,
  onNull: (element: number) => void,
): void {
  if (validity === null) return;
  const value = fill ?? zeroOf(target.type);
  for (let i = 0; i < count; i++) {
    const row = from + i;
    const byte = validity[row >> 3]!;
    if (byte === 0xff && (row & 7) === 0 && i + 8 <= count) {
      i += 7;
      continue;
    }
    if ((byte >> (row & 7)) & 1) continue;
    target.out[target.base + i * target.stride] = value;
    if (fill === null) onNull(i);
  }
}

function zeroOf(type: TensorType): number | bigint {
  return storedValue(type, 0);
}

function copyFloats(
  src: Float32Array,
  from: number,
  count: number,
  out: Float32Array,
  base: number,
  stride: number,
): void {
  if (stride === 1) {
    out.set(src.subarray(from, from + count), base);
    return;
  }
  for (let i = 0, o = base; i < count; i++, o += stride) out[o] = src[from + i]!;
}

// 64-bit integers are copied as two words: a BigInt per value costs ten times as much.
function copyWords(words: Int32Array, from: number, count: number, target: PackTarget): void {
  const { out, base, stride } = target;
  const view = new Int32Array(out.buffer, out.byteOffset, out.length * 2);
  if (stride === 1) {
    view.set(words.subarray(from * 2, (from + count) * 2), base * 2);
    return;
  }
  for (let i = 0; i < count; i++) {
    const o = (base + i * stride) * 2;
    view[o] = words[(from + i) * 2]!;
    view[o + 1] = words[(from + i) * 2 + 1]!;
  }
}

function stage(source: NumberSource, from: number, count: number, onBad: OnBad): Float64Array | Float32Array {
  const { carrier, data, validity } = source;
  if (data instanceof Float64Array || data instanceof Float32Array) return data;
  if (staging.length < count) staging = new Float64Array(count);
  if (carrier === 'i32') {
    for (let i = 0; i < count; i++) staging[i] = data[from + i]!;
    return staging;
  }
  const isSigned = carrier === 'i64';
  for (let i = 0; i < count; i++) {
    const low = data[(from + i) * 2]! >>> 0;
    const high = data[(from + i) * 2 + 1]!;
    const value = (isSigned ? high : high >>> 0) * 4294967296 + low;
    staging[i] = value;
    const isBeyond = value > MAX_EXACT || value < -MAX_EXACT || (Math.abs(value) === MAX_EXACT && low !== 0);
    if (isBeyond && isValid(validity, from + i)) onBad(i, 'precision');
  }
  return staging;
}

/** Casts `count` numbers from `offset` into a tensor; their bits in `validity` begin at row `from`. */
type Finish = (
  numbers: Float64Array | Float32Array,
  offset: number,
  from: number,
  count: number,
  validity: Uint8Array | null,
  target: PackTarget,
  onBad: OnBad,
) => void;

const finish: Finish = (numbers, offset, from, count, validity, target, onBad) => {
  const { type, base, stride } = target;
  if (type === 'float32' || type === 'float64') {
    const out = target.out as Float32Array | Float64Array;
    const limit = type === 'float32' ? 3.4028235677973366e38 : Number.MAX_VALUE;
    for (let i = 0, o = base; i < count; i++, o += stride) {
      const value = numbers[offset + i]!;
      out[o] = value;
      const size = Math.abs(value);
      if (size >= limit && size !== Number.POSITIVE_INFINITY && type === 'float32' && isValid(validity, from + i)) {
        onBad(i, 'not_finite_cast');
      }
    }
    return;
  }
  if (type === 'float16') {
    const out = target.out as Uint16Array;
    for (let i = 0, o = base; i < count; i++, o += stride) {
      const value = numbers[offset + i]!;
      const half = toHalfBits(value);
      out[o] = half;
      if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value) && isValid(validity, from + i))
        onBad(i, 'not_finite_cast');
    }
    return;
  }
  finishIntegers(numbers, offset, from, count, validity, target, onBad);
};

const finishIntegers: Finish = (numbers, offset, from, count, validity, target, onBad) => {
  const { type, out, base, stride } = target;
  const [low, high] = INTEGER_BOUNDS[type] ?? [0, 0];
  const isWide = type === 'int64' || type === 'uint64';
  for (let i = 0, o = base; i < count; i++, o += stride) {
    const value = numbers[offset + i]!;
    const rule = integerRule(value, low, high, isWide);
    if (rule === null) {
      out[o] = isWide ? BigInt(value) : value;
    } else {
      out[o] = isWide ? 0n : 0;
      if (isValid(validity, from + i)) onBad(i, rule);
    }
  }
};

function integerRule(value: number, low: number, high: number, isWide: boolean): RejectRule | null {
  if (Number.isInteger(value)) {
    if (value >= low && value <= high) return null;
    return isWide && Math.abs(value) < 2 ** 63 && value >= low ? 'precision' : 'out_of_range';
  }
  if (Number.isNaN(value)) return 'not_a_number';
  return Number.isFinite(value) ? 'fraction' : 'out_of_range';
}

function isValid(validity: Uint8Array | null, row: number): boolean {
  return validity === null || ((validity[row >> 3]! >> (row & 7)) & 1) === 1;
}
