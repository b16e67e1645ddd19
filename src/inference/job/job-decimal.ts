import { type BadValue, bad } from './job-carrier.ts';

const WHOLE = /^[+-]?\d{1,60}$/;
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  BIGINT: [-(2n ** 63n), 2n ** 63n - 1n],
  UBIGINT: [0n, 2n ** 64n - 1n],
  HUGEINT: [-(2n ** 127n), 2n ** 127n - 1n],
  UHUGEINT: [0n, 2n ** 128n - 1n],
};

/** Integers of 64 bits and more, from a number that JSON has kept exactly or from digits; null for other types. */
export function readWide(type: string): ((value: unknown) => number | bigint | BadValue) | null {
  const range = Object.hasOwn(RANGES, type) ? RANGES[type] : undefined;
  if (range === undefined) return null;
  const [low, high] = range;
  const problem = bad(`expected a whole number from ${low} to ${high}, beyond 2^53 as a text`);
  const isHuge = type === 'HUGEINT' || type === 'UHUGEINT';
  return (value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) && value >= Number(low) ? value : problem;
    if (typeof value !== 'string') return problem;
    const whole = WHOLE.test(value) ? BigInt(value.replace(/^\+/, '')) : wholeOf(value);
    if (whole === null || whole < low || whole > high) return problem;
    if (isHuge) return hugeToDouble(whole);
    return whole >= -MAX_SAFE && whole <= MAX_SAFE ? Number(whole) : whole;
  };
}

// '3.0' is what a client makes of a whole number that it held as a float.
function wholeOf(text: string): bigint | null {
  const number = DECIMAL.test(text) && /\d/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? BigInt(number) : null;
}

/** A DECIMAL(w, s) as the double that DuckDB casts it to. More digits than the scale are rounded, halves away from zero. */
export function readDecimal(type: string): (value: unknown) => number | BadValue {
  const [width, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type)!.slice(1).map(Number) as [number, number];
  const problem = bad(`expected a number of at most ${width - scale} digits before the point, or such a text`);
  const limit = 10n ** BigInt(width);
  return (value) => {
    if (typeof value !== 'string' && typeof value !== 'number') return problem;
    const unscaled = unscaledOf(String(value), scale);
    if (unscaled === null || unscaled >= limit || unscaled <= -limit) return problem;
    return decimalToDouble(unscaled, width, scale);
  };
}

function unscaledOf(text: string, scale: number): bigint | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return null;
  const shift = Number(exponent) + scale - fraction.length;
  const digits = BigInt(whole + fraction);
  // Beyond this nothing fits but zero; without the check the power would be as large as anybody likes.
  if (digits === 0n) return 0n;
  if (shift > 80) return null;
  const power = shift < -1000 ? null : 10n ** BigInt(Math.abs(shift));
  const size = power === null ? 0n : shift >= 0 ? digits * power : (digits + power / 2n) / power;
  return sign === '-' ? -size : size;
}

/**
 * As DuckDB does it (`TryCastDecimalToFloatingPoint`): one division when the digits fit a double exactly, else the whole and the
 * fraction are cast each on its own, which is not the nearest double for many digits.
 */
function decimalToDouble(unscaled: bigint, width: number, scale: number): number {
  const toDouble = width > 18 ? hugeToDouble : Number;
  if (scale === 0 || (unscaled >= -EXACT && unscaled <= EXACT)) return toDouble(unscaled) / 10 ** scale;
  const power = 10n ** BigInt(scale);
  return toDouble(unscaled / power) + toDouble(unscaled % power) / 10 ** scale;
}

const EXACT = 2n ** 53n;

// Two halves, each rounded: DuckDB's own cast of 128-bit integers.
function hugeToDouble(value: bigint): number {
  const upper = value >> 64n;
  const lower = value & 0xffffffffffffffffn;
  if (upper === -1n) return -Number(0xffffffffffffffffn - lower) - 1;
  return Number(lower) + Number(upper) * 2 ** 64;
}
