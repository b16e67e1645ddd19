import { asciiText } from './column-reader.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const PLUS = 0x2b;
const LOWER_E = 0x65;
/** Digits that a double holds whatever they are, and the powers of ten that it holds exactly: one operation rounds once. */
const SAFE_DIGITS = 15;
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/** A number as it is written: digits, where the point is, and what power of ten it is times. */
export class NumberText {
  /** Behind the sign. */
  private start = 0;
  private stop = 0;
  private isNegative = false;
  private mantissa = 0;
  private digits = 0;
  private scale = 0;
  private exponent = 0;
  private hasFraction = false;
  private readonly mark: number;

  /** `mark`: the byte of the decimal point. */
  constructor(mark: number) {
    this.mark = mark;
  }

  /**
   * Takes in a number such as `-12.50e-3`, also `.5` and `5.`; not NaN, no infinity, no other base. False when the text is none.
   * `isDeclared`: a sign + and zeros in front are taken too.
   */
  parse(bytes: Uint8Array, from: number, to: number, isDeclared: boolean): boolean {
    let at = from;
    this.isNegative = bytes[at] === MINUS;
    if (this.isNegative || (isDeclared && bytes[at] === PLUS)) at++;
    this.start = at;
    this.stop = to;
    this.mantissa = 0;
    this.digits = 0;
    this.scale = 0;
    this.exponent = 0;
    this.hasFraction = false;
    let seen = 0;
    const first = at;
    for (; at < to; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit >= 0 && digit <= 9) {
        seen++;
        if (this.digits > 0 || digit !== 0) {
          if (this.digits < SAFE_DIGITS) this.mantissa = this.mantissa * 10 + digit;
          this.digits++;
        }
        if (this.hasFraction) this.scale++;
      } else if (bytes[at] === this.mark && !this.hasFraction) this.hasFraction = true;
      else break;
    }
    if (seen === 0) return false;
    if (!isDeclared && seen > 1 && bytes[first] === ZERO && bytes[first + 1] !== this.mark) return false;
    if (at === to) return true;
    if ((bytes[at]! | 0x20) !== LOWER_E) return false;
    return this.parseExponent(bytes, at + 1, to);
  }

  /** Whether it is digits alone, which an integer type could hold. */
  get isWhole(): boolean {
    return !this.hasFraction && this.exponent === 0;
  }

  /** Digits without the zeros in front. */
  get significantDigits(): number {
    return this.digits;
  }

  /** The nearest double; infinite when the number is beyond them. Source: W. D. Clinger, "How to Read Floating Point Numbers". */
  double(bytes: Uint8Array): number {
    const power = this.exponent - this.scale;
    if (this.digits <= SAFE_DIGITS && power >= -22 && power <= 22) {
      const size = power < 0 ? this.mantissa / POWERS[-power]! : this.mantissa * POWERS[power]!;
      return this.isNegative ? -size : size;
    }
    const text = asciiText(bytes, this.start, this.stop).replace(',', '.');
    return this.isNegative ? -Number(text) : Number(text);
  }

  /** The number as a whole number times a power of ten. */
  exact(bytes: Uint8Array): { readonly whole: bigint; readonly power: number } {
    const text = asciiText(bytes, this.start, this.stop)
      .replace(/[eE].*$/, '')
      .replace(/[.,]/, '');
    const size = BigInt(text);
    return { whole: this.isNegative ? -size : size, power: this.exponent - this.scale };
  }

  private parseExponent(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    const isNegative = bytes[at] === MINUS;
    if (isNegative || bytes[at] === PLUS) at++;
    if (at >= to) return false;
    let value = 0;
    for (; at < to; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return false;
      // Beyond any number's exponent it does not matter by how much.
      value = Math.min(1_000_000, value * 10 + digit);
    }
    this.exponent = isNegative ? -value : value;
    return true;
  }
}
