import { isUtf8 } from 'node:buffer';
import type { LiveData } from '../../base/contract/live-model.ts';
import type { TensorType } from '../../base/contract/signature.ts';
import { type ElementArray, INTEGER_BOUNDS } from '../../model/elements/elements.ts';
import { fromHalfBits, toHalfBits } from '../../model/elements/half.ts';
import { datatypeOf, newElements, shapeCount } from './datatypes.ts';
import { requestFault } from './request-fault.ts';

/** Past this a double is no float32 but infinity. */
const FLOAT32_END = 3.4028235677973366e38;
const MAX_RANK = 16;

/**
 * Tensor data of JSON, nested by axes or flat in row-major order, as elements. Beside numbers a float may be null (NaN),
 * "NaN", "Infinity" or "-Infinity"; integers of 64 bits may be texts, and must be where a double would round them; bool is
 * true, false, 1 or 0.
 *
 * Shapes: `shape` as the request gives it. Owns: the caller. Errors: LIVE_REQUEST, naming the element.
 */
export function readJsonTensor(type: TensorType, shape: readonly number[], data: unknown, where: string): LiveData {
  const count = shapeCount(shape);
  if (count === null || shape.length > MAX_RANK) throw requestFault('the shape is too large', where);
  const list = Array.isArray(data) ? data : [data];
  // Checked before anything of that size is made: a short body may name a huge shape.
  const isNested = shape.length > 1 && Array.isArray(list[0]);
  if (isNested ? list.length !== shape[0] : list.length !== count) {
    const expected = isNested ? `${shape[0]} lists` : `${count} elements`;
    throw requestFault('shape and data differ', where, expected, String(list.length));
  }
  const writer = elementWriter(type, isNested ? leafCount(list, shape, 0, where) : count, where);
  if (isNested) writeNested(list, shape.length - 1, writer.put);
  else for (const value of list) writer.put(value);
  return writer.data;
}

/** Numbers and texts one after the other into the data of a tensor of `count` elements. */
export interface ElementWriter {
  readonly data: LiveData;
  /** Errors: LIVE_REQUEST. */
  put(value: unknown): void;
}

/** Errors: none itself; `put` as told there. Owns: the caller has the data. */
export function elementWriter(type: TensorType, count: number, where: string): ElementWriter {
  if (type === 'string') {
    const texts: string[] = [];
    return { data: texts, put: (value) => void texts.push(textOf(value, where, texts.length)) };
  }
  const data = newElements(type, count);
  let at = 0;
  if (type === 'int64' || type === 'uint64') {
    const target = data as BigInt64Array;
    const put = (value: unknown): void => {
      target[at] = bigintOf(value, type, where, at);
      at++;
    };
    return { data, put };
  }
  const target = data as Exclude<ElementArray, BigInt64Array | BigUint64Array>;
  const convert = NUMBERS[type];
  const put = (value: unknown): void => {
    target[at] = convert(value, type, where, at);
    at++;
  };
  return { data, put };
}

/**
 * The elements as the text of a flat JSON list that gives the same bits back: integers of 64 bits in full, -0.0 with its
 * sign, NaN as null and infinities as texts, for which JSON has no numbers.
 *
 * Errors: LIVE_REQUEST for half floats, which have no form in JSON in this protocol.
 */
export function writeJsonData(type: TensorType, data: LiveData, where: string): string {
  switch (type) {
    case 'float16':
      throw requestFault('FP16 has no form in JSON', where, 'the parameter binary_data: true');
    case 'string':
      return JSON.stringify(data);
    case 'bool':
      return `[${elementTexts(type, data).join(',')}]`;
    case 'float32':
    case 'float64':
      return `[${floatTexts(data as Float32Array | Float64Array)}]`;
    default:
      return `[${(data as Int32Array).join(',')}]`;
  }
}

/** Each element as JSON text, as in `writeJsonData`; half floats as numbers, for a face that has no datatypes. Errors: none. */
export function elementTexts(type: TensorType, data: LiveData): readonly string[] {
  switch (type) {
    case 'float16':
      return Array.from(data as Uint16Array, (bits) => floatText(fromHalfBits(bits)));
    case 'string':
      return (data as readonly string[]).map((text) => JSON.stringify(text));
    case 'bool':
      return Array.from(data as Uint8Array, (bit) => (bit === 0 ? 'false' : 'true'));
    case 'float32':
    case 'float64':
      return Array.from(data as Float32Array | Float64Array, floatText);
    default:
      return Array.from(data as Int32Array, String);
  }
}

function floatTexts(data: Float32Array | Float64Array): string {
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value) || Object.is(value, -0)) return Array.from(data, floatText).join(',');
  }
  return data.join(',');
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'null';
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"';
  return Object.is(value, -0) ? '-0.0' : String(value);
}

// Counts while it checks, so that nothing is allocated for a shape that the data does not have.
function leafCount(list: readonly unknown[], shape: readonly number[], axis: number, where: string): number {
  if (list.length !== shape[axis])
    throw requestFault(`shape and data differ on axis ${axis}`, where, String(shape[axis]), String(list.length));
  if (axis === shape.length - 1) return list.length;
  let count = 0;
  for (const inner of list) {
    if (!Array.isArray(inner))
      throw requestFault(`data is not nested as deep as its shape`, where, `${shape.length} axes`);
    count += leafCount(inner, shape, axis + 1, where);
  }
  return count;
}

// `levels`: lists below this one; what is a list deeper than that is no value.
function writeNested(list: readonly unknown[], levels: number, put: (value: unknown) => void): void {
  for (const value of list) {
    if (levels > 0) writeNested(value as readonly unknown[], levels - 1, put);
    else put(value);
  }
}

type Convert = (value: unknown, type: TensorType, where: string, at: number) => number;

const NUMBERS: Readonly<Record<Exclude<TensorType, 'string' | 'int64' | 'uint64'>, Convert>> = {
  float32: (value, type, where, at) => {
    const number = typeof value === 'number' ? value : floatOf(value, type, where, at);
    if (Math.abs(number) < FLOAT32_END || !Number.isFinite(number)) return number;
    throw element('a number is too large', type, where, at);
  },
  float64: floatOf,
  float16: (value, type, where, at) => {
    const number = floatOf(value, type, where, at);
    const bits = toHalfBits(number);
    if ((bits & 0x7fff) === 0x7c00 && Number.isFinite(number)) throw element('a number is too large', type, where, at);
    return bits;
  },
  bool: (value, type, where, at) => {
    if (value === true || value === 1) return 1;
    if (value === false || value === 0) return 0;
    throw element('a value is no bool', type, where, at, sayKind(value));
  },
  int8: integerOf,
  int16: integerOf,
  int32: integerOf,
  uint8: integerOf,
  uint16: integerOf,
  uint32: integerOf,
};

function floatOf(value: unknown, type: TensorType, where: string, at: number): number {
  if (typeof value === 'number') return value;
  if (value === null || value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  throw element('a value is no number', type, where, at, sayKind(value));
}

function integerOf(value: unknown, type: TensorType, where: string, at: number): number {
  const [lowest, highest] = INTEGER_BOUNDS[type]!;
  if (Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest) return value as number;
  throw element('a value is no integer of this type', type, where, at, sayKind(value));
}

function bigintOf(value: unknown, type: 'int64' | 'uint64', where: string, at: number): bigint {
  let whole: bigint | null = null;
  if (typeof value === 'string' && /^-?[0-9]{1,20}$/.test(value)) whole = BigInt(value);
  else if (Number.isSafeInteger(value)) whole = BigInt(value as number);
  else if (Number.isInteger(value))
    throw element('an integer is not exact as a JSON number: send it as a text', type, where, at);
  const fits = whole !== null && (type === 'int64' ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole)) === whole;
  if (!fits) throw element('a value is no integer of this type', type, where, at, sayKind(value));
  return whole!;
}

function textOf(value: unknown, where: string, at: number): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  if (typeof value === 'object' && value !== null && Object.keys(value).join() === 'b64') {
    const { b64 } = value as { readonly b64: unknown };
    const bytes = typeof b64 === 'string' ? Buffer.from(b64, 'base64') : null;
    if (bytes !== null && isUtf8(bytes)) return bytes.toString('utf8');
  }
  throw element('a value is no UTF-8 text', 'string', where, at, sayKind(value));
}

function element(what: string, type: TensorType, where: string, at: number, got?: string) {
  return requestFault(what, `${where}, element ${at}`, datatypeOf(type), got);
}

// The kind only: values of a request do not belong into messages and logs.
function sayKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}
