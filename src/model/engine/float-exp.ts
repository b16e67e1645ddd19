/*
 * expf of the C library, which ONNX Runtime computes post-transforms with. glibc and musl have one algorithm (sysdeps/ieee754/flt-32/e_expf.c,
 * by ARM): 2^(k/32) times a cubic polynomial, in doubles, rounded once. Compilers may contract its products and sums, which changes the double
 * by less than `SLACK`: where that could change the float, the answer is NaN, for "ask the library". Whether a machine's library is of this
 * kind is seen by asking it (tree-twin.ts, twin-check.ts).
 */
const STEPS = 32;
const PER_STEP = 46.16624130844683;
/** To this and back: rounds to a whole number. */
const SHIFT = 1.5 * 2 ** 52;
const CUBE = 1.6938359250920212e-6;
const SQUARE = 2.3459809789509004e-4;
const ONE = 0.021660849396613134;
const POWERS = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (i / STEPS));
/** Relative: rounding errors of the argument, up to 88 * 32 / ln 2, weigh most. */
const SLACK = 2 ** -44;
/** Below it the result is no normal float any more. */
const LEAST = -87;

/** exp(x) of a float from -87 to 0 as a float; NaN where it is not sure, and for x beyond. */
export function floatExp(x: number): number {
  if (!(x >= LEAST && x <= 0)) return Number.NaN;
  const steps = x * PER_STEP;
  const whole = steps + SHIFT - SHIFT;
  const rest = steps - whole;
  // On the edge of two steps either may have been taken.
  if (Math.abs(rest) > 0.5 - 1e-9) return Number.NaN;
  const place = whole & (STEPS - 1);
  const power = POWERS[place]! * 2 ** ((whole - place) / STEPS);
  const exact = ((CUBE * rest + SQUARE) * (rest * rest) + (ONE * rest + 1)) * power;
  const nearest = Math.fround(exact);
  return Math.fround(exact * (1 + SLACK)) === nearest && Math.fround(exact * (1 - SLACK)) === nearest
    ? nearest
    : Number.NaN;
}
