import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TensorType } from '../../src/base/contract/signature.ts';
import { elementBytes, elementView, INTEGER_BOUNDS, TENSOR_TYPES } from '../../src/model/elements/elements.ts';
import { fromHalfBits, toHalfBits } from '../../src/model/elements/half.ts';
import { storedValue } from '../../src/model/elements/stored-value.ts';
import { fillNulls, type NumberSource, packNumbers } from '../../src/scoring/tensor/pack-numbers.ts';

const interesting = [
  0,
  -0,
  1,
  -1,
  0.5,
  127,
  128,
  -129,
  255,
  256,
  65504,
  65519,
  65520,
  2147483648,
  4294967295,
  2 ** 53,
  -(2 ** 53),
  3.4028235e38,
  3.5e38,
  1e308,
  5e-324,
  1e-45,
  Number.NaN,
  Infinity,
  -Infinity,
];
const value = fc.oneof(fc.constantFrom(...interesting), fc.double(), fc.integer());
const integer = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
);
const types = TENSOR_TYPES.filter((type) => type !== 'string');

/** What the rules of docs/types.md say of one finite or odd double. */
function expected(x: number, type: TensorType): { value: number | bigint } | { rule: string } {
  if (type === 'float64') return { value: x };
  if (type === 'float32')
    return Number.isFinite(x) && !Number.isFinite(Math.fround(x))
      ? { rule: 'not_finite_cast' }
      : { value: Math.fround(x) };
  if (type === 'float16') {
    const half = new Float16Array([x])[0]!;
    return Number.isFinite(x) && !Number.isFinite(half) ? { rule: 'not_finite_cast' } : { value: half };
  }
  if (Number.isNaN(x)) return { rule: 'not_a_number' };
  if (!Number.isFinite(x)) return { rule: 'out_of_range' };
  if (!Number.isInteger(x)) return { rule: 'fraction' };
  const [low, high] = INTEGER_BOUNDS[type]!;
  const isWide = type === 'int64' || type === 'uint64';
  if (x < low || x > high) return { rule: isWide && Math.abs(x) < 2 ** 63 && x >= low ? 'precision' : 'out_of_range' };
  return { value: isWide ? BigInt(x) : x + 0 };
}

function pack(source: NumberSource, count: number, type: TensorType, stride: number) {
  const out = elementView(type, new ArrayBuffer(count * stride * elementBytes(type)), 0, count * stride);
  const bad = new Map<number, string>();
  packNumbers(source, 0, count, { type, out, base: 0, stride }, (i, rule) => void (bad.has(i) || bad.set(i, rule)));
  const read = (i: number) => (type === 'float16' ? fromHalfBits(Number(out[i * stride])) : out[i * stride]!);
  return { out, bad, read };
}

describe('packNumbers', () => {
  it('follows the cast rules for doubles into every tensor type', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(...types),
        fc.integer({ min: 1, max: 3 }),
        (xs, type, stride) => {
          const { bad, read } = pack(
            { carrier: 'f64', data: Float64Array.from(xs), validity: null },
            xs.length,
            type,
            stride,
          );
          xs.forEach((x, i) => {
            // Rounding a double to half goes over float; the two differ only for doubles between two floats.
            const want = expected(type === 'float16' ? Math.fround(x) : x, type);
            if (type === 'float16' && Number.isFinite(x) && !Number.isFinite(Math.fround(x))) return;
            if ('rule' in want) expect([x, bad.get(i)]).toEqual([x, want.rule]);
            else {
              expect(bad.has(i)).toBe(false);
              expect(read(i)).toEqual(want.value);
            }
          });
        },
      ),
    );
  });

  it('keeps int64 exact into int64, and rejects beyond 2^53 into anything else', () => {
    fc.assert(
      fc.property(
        fc.array(integer, { minLength: 1, maxLength: 40 }),
        fc.constantFrom<TensorType>('int64', 'float64', 'float32', 'int32'),
        fc.integer({ min: 1, max: 3 }),
        (xs, type, stride) => {
          const words = new Int32Array(BigInt64Array.from(xs).buffer);
          const { bad, read } = pack({ carrier: 'i64', data: words, validity: null }, xs.length, type, stride);
          xs.forEach((x, i) => {
            if (type === 'int64') expect(read(i)).toBe(x);
            else if (x > 2n ** 53n || x < -(2n ** 53n)) expect(bad.get(i)).toBe('precision');
            else if (type === 'float64') expect(read(i)).toBe(Number(x));
            else if (type === 'float32') expect(read(i)).toBe(Math.fround(Number(x)));
            else expect(bad.get(i)).toBe(x > 2147483647n || x < -2147483648n ? 'out_of_range' : undefined);
          });
        },
      ),
    );
  });

  it('never reports garbage under a null, and fills or reports each null', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.boolean()), { minLength: 1, maxLength: 70 }),
        fc.constantFrom(...types),
        fc.option(fc.constantFrom(0, 1), { nil: null }),
        (rows, type, fill) => {
          const validity = new Uint8Array(Math.ceil(rows.length / 64) * 8);
          rows.forEach(([, isValid], i) => {
            if (isValid) validity[i >> 3]! |= 1 << (i & 7);
          });
          const data = Float64Array.from(rows.map(([x]) => x));
          const { out, bad } = pack({ carrier: 'f64', data, validity }, rows.length, type, 1);
          const nulls = new Set<number>();
          fillNulls(
            validity,
            0,
            rows.length,
            { type, out, base: 0, stride: 1 },
            fill === null ? null : storedValue(type, fill),
            (i) => nulls.add(i),
          );
          rows.forEach(([, isValid], i) => {
            if (isValid) return;
            expect(bad.has(i)).toBe(false);
            expect(out[i]).toBe(storedValue(type, fill ?? 0));
          });
          const nullRows = rows.flatMap(([, isValid], i) => (isValid ? [] : [i]));
          expect([...nulls]).toEqual(fill === null ? nullRows : []);
        },
      ),
    );
  });
});

describe('half floats', () => {
  it('round as the hardware does, for all bits and random floats', () => {
    const half = new Float16Array(1);
    const bits = new Uint16Array(half.buffer);
    for (let h = 0; h < 65536; h++) {
      bits[0] = h;
      expect(fromHalfBits(h)).toBe(half[0]);
      if (!Number.isNaN(half[0]!)) expect(toHalfBits(half[0]!)).toBe(h);
    }
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => {
        half[0] = x;
        return toHalfBits(x) === bits[0];
      }),
      { numRuns: 5000 },
    );
  });
});
