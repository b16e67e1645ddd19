const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The IEEE 754 half-precision bits nearest to a number (ties to even), as numpy rounds them. A finite value from 65520
 * upward gives the bits of infinity. Node 22 has no Float16Array.
 */
export function toHalfBits(value: number): number {
  float[0] = value;
  // Rounding twice (double to float to half) can differ from rounding once only for doubles that are no floats.
  const x = bits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const rest = x & 0x7fffffff;
  if (rest >= 0x7f800000) return sign | (rest > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (rest >= 0x477ff000) return sign | 0x7c00;
  if (rest >= 0x38800000) {
    const rounded = rest - 0x38000000 + 0xfff + ((rest >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  if (rest < 0x33000000) return sign;
  const shift = 126 - (rest >>> 23);
  const mantissa = (rest & 0x7fffff) | 0x800000;
  const half = 1 << (shift - 1);
  const quotient = mantissa >>> shift;
  const remainder = mantissa & ((1 << shift) - 1);
  const up = remainder > half || (remainder === half && (quotient & 1) === 1) ? 1 : 0;
  return sign | (quotient + up);
}

/** The number that half-precision bits stand for. */
export function fromHalfBits(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
