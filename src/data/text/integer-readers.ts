import {
  asciiText,
  BATCH_ROWS,
  type FixedArray,
  FixedReader,
  NUMBERS,
  skipBlanks,
  trimBlanks,
} from './column-reader.ts';

const ZERO = 0x30;
const MINUS = 0x2d;
const PLUS = 0x2b;
/** Digits that a double holds whatever they are. */
const SAFE_DIGITS = 15;

/**
 * Position of the first digit that counts, of a text that is a sign and digits and nothing else; -1 when it is not. A type that
 * was guessed takes no sign + and no zero in front: 007 and +49 are names of something rather than numbers.
 */
function firstDigit(bytes: Uint8Array, from: number, to: number, isDeclared: boolean): number {
  let at = from;
  if (bytes[at] === MINUS || (isDeclared && bytes[at] === PLUS)) at++;
  if (at >= to) return -1;
  for (let i = at; i < to; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
  }
  const start = at;
  while (at < to - 1 && bytes[at] === ZERO) at++;
  return at > start && !isDeclared ? -1 : at;
}

function digitsValue(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (bytes[at]! - ZERO);
  return value;
}

/** Integers of up to 32 bits. */
export class IntegerReader extends FixedReader<FixedArray> {
  readonly json = NUMBERS;
  readonly says: string;
  private readonly low: number;
  private readonly high: number;
  private readonly isDeclared: boolean;

  constructor(values: FixedArray, low: number, high: number, isDeclared: boolean) {
    super(values);
    this.low = low;
    this.high = high;
    this.isDeclared = isDeclared;
    this.says = `a whole number from ${low} to ${high}`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = skipBlanks(bytes, from, to);
    const stop = trimBlanks(bytes, start, to);
    const digit = firstDigit(bytes, start, stop, this.isDeclared);
    if (digit === -1 || stop - digit > SAFE_DIGITS) return false;
    const size = digitsValue(bytes, digit, stop);
    const value = bytes[start] === MINUS ? -size : size;
    if (value < this.low || value > this.high) return false;
    this.values[row] = value;
    this.setValid(row);
    return true;
  }
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;
const WORD = 2 ** 32;

/** 64-bit integers, every one of them exactly. */
export class LongReader extends FixedReader<Float64Array<ArrayBuffer>> {
  readonly json;
  readonly says: string;
  private readonly low: bigint;
  private readonly high: bigint;
  private readonly isDeclared: boolean;
  private readonly longs = new BigInt64Array(this.values.buffer);
  private readonly words = new Uint32Array(this.values.buffer);

  constructor(isSigned: boolean, isDeclared: boolean) {
    super(new Float64Array(BATCH_ROWS));
    this.low = isSigned ? MIN_INT64 : 0n;
    this.high = isSigned ? MAX_INT64 : MAX_UINT64;
    this.isDeclared = isDeclared;
    // Where 64 bits are meant, JSON has them as texts too: many of its readers know doubles only.
    this.json = { number: true, text: isDeclared, flag: false };
    this.says = `a whole number from ${this.low} to ${this.high}`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = skipBlanks(bytes, from, to);
    const stop = trimBlanks(bytes, start, to);
    const digit = firstDigit(bytes, start, stop, this.isDeclared);
    if (digit === -1) return false;
    const isNegative = bytes[start] === MINUS;
    if (stop - digit > SAFE_DIGITS) {
      if (stop - digit > 20) return false;
      const size = BigInt(asciiText(bytes, digit, stop));
      const value = isNegative ? -size : size;
      if (value < this.low || value > this.high) return false;
      this.longs[row] = value;
    } else {
      const size = digitsValue(bytes, digit, stop);
      if (isNegative && size > 0 && this.low === 0n) return false;
      const value = isNegative ? -size : size;
      const high = Math.floor(value / WORD);
      this.words[row * 2] = value - high * WORD;
      this.words[row * 2 + 1] = high;
    }
    this.setValid(row);
    return true;
  }
}
