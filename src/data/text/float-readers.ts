import { asciiText, BATCH_ROWS, FixedReader, NUMBERS, skipBlanks, trimBlanks } from './column-reader.ts';
import { NumberText } from './number-text.ts';

const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

/** NaN and the infinities by their names; undefined for any other text. */
export function notFinite(text: string): number | undefined {
  const match = NOT_FINITE.exec(text);
  if (match === null) return undefined;
  if (match[2] !== undefined) return Number.NaN;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * Doubles and floats: the nearest to what is written. A finite number beyond them is refused. Where the type was guessed, so is a
 * whole number that a double would change.
 */
export class FloatReader extends FixedReader<Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>> {
  readonly json = NUMBERS;
  readonly says: string;
  private readonly number: NumberText;
  private readonly isFloat: boolean;
  private readonly isDeclared: boolean;

  constructor(isFloat: boolean, mark: number, isDeclared: boolean) {
    super(isFloat ? new Float32Array(BATCH_ROWS) : new Float64Array(BATCH_ROWS));
    this.number = new NumberText(mark);
    this.isFloat = isFloat;
    this.isDeclared = isDeclared;
    this.says = `a number that a ${isFloat ? 'float' : 'double'} holds`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = skipBlanks(bytes, from, to);
    const stop = trimBlanks(bytes, start, to);
    const value = this.value(bytes, start, stop);
    if (value === undefined) return false;
    this.values[row] = value;
    this.setValid(row);
    return true;
  }

  private value(bytes: Uint8Array, from: number, to: number): number | undefined {
    const { number, isDeclared } = this;
    if (!number.parse(bytes, from, to, isDeclared)) {
      return to - from > 9 ? undefined : notFinite(asciiText(bytes, from, to));
    }
    const double = number.double(bytes);
    if (!isDeclared && number.isWhole && number.significantDigits > 15) {
      if (!Number.isFinite(double) || BigInt(double) !== number.exact(bytes).whole) return undefined;
    }
    const value = this.isFloat ? nearestFloat(double, () => number.exact(bytes)) : double;
    return Number.isFinite(value) ? value : undefined;
  }
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/**
 * The float that is nearest to a decimal number, whose nearest double is given. Rounding the double again is wrong only where it
 * lies in the middle between two floats and the number does not: then the number itself decides. Infinite beyond all floats.
 */
export function nearestFloat(double: number, exact: () => { readonly whole: bigint; readonly power: number }): number {
  const rounded = Math.fround(double);
  if (rounded === double || !Number.isFinite(rounded)) return beyond(double, rounded, exact);
  const other = neighbour(rounded, double > rounded);
  if (double - rounded !== other - double) return rounded;
  const side = compare(exact(), double);
  if (side === 0) return rounded;
  return side > 0 ? Math.max(rounded, other) : Math.min(rounded, other);
}

const MAX_FLOAT = 3.4028234663852886e38;
/** In the middle between the greatest float and what would be the next. */
const OVERFLOW = 3.4028235677973366e38;

function beyond(double: number, rounded: number, exact: () => { whole: bigint; power: number }): number {
  if (Math.abs(double) !== OVERFLOW) return rounded;
  const side = compare(exact(), double) * Math.sign(double);
  return side < 0 ? Math.sign(double) * MAX_FLOAT : rounded;
}

function neighbour(value: number, isUp: boolean): number {
  float[0] = value;
  if (value === 0) bits[0] = isUp ? 1 : -2147483647;
  else bits[0] = bits[0]! + (value > 0 === isUp ? 1 : -1);
  return float[0]!;
}

/** Sign of `whole * 10^power - double`, exactly. */
function compare({ whole, power }: { readonly whole: bigint; readonly power: number }, double: number): number {
  const { mantissa, exponent } = parts(double);
  let left = whole;
  let right = mantissa;
  if (power >= 0) left *= 10n ** BigInt(power);
  else right *= 10n ** BigInt(-power);
  if (exponent >= 0) right <<= BigInt(exponent);
  else left <<= BigInt(-exponent);
  return left === right ? 0 : left > right ? 1 : -1;
}

/** A double as a whole number times a power of two. */
function parts(double: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, double);
  const word = view.getBigUint64(0);
  const stored = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const size = stored === 0 ? fraction : fraction | 0x10000000000000n;
  return { mantissa: double < 0 ? -size : size, exponent: Math.max(1, stored) - 1075 };
}
