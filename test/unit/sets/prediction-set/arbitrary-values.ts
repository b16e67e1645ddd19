import fc from 'fast-check';
import type { PredictionValue, ScalarType, ValueColumn } from '../../../../src/base/contract/prediction-set.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
/** Whole numbers near the ends of their type, near powers of two and anywhere. */
const whole = (min: bigint, max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt({ min, max }),
    fc
      .tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: -1, max: 1 }), fc.boolean())
      .map(([bit, by, isNegative]) => (isNegative ? -1n : 1n) * ((1n << BigInt(bit)) + BigInt(by)))
      .filter((n) => n >= min && n <= max),
  );
const small = (min: number, max: number): fc.Arbitrary<number> => whole(BigInt(min), BigInt(max)).map(Number);

export const SCALARS: Readonly<Record<ScalarType, fc.Arbitrary<Exclude<PredictionValue, null>>>> = {
  bool: fc.boolean(),
  int8: small(-128, 127),
  int16: small(-32768, 32767),
  int32: small(-(2 ** 31), 2 ** 31 - 1),
  int64: whole(-(2n ** 63n), 2n ** 63n - 1n),
  uint8: small(0, 255),
  uint16: small(0, 65535),
  uint32: small(0, 2 ** 32 - 1),
  uint64: whole(0n, 2n ** 64n - 1n),
  float32: fc.float(),
  float64: fc.double(),
  string: text,
};
export const SCALAR_TYPES = Object.keys(SCALARS) as ScalarType[];

/** Columns of any types, and rows of them; null where `withNulls`. */
export function table(withNulls: boolean): fc.Arbitrary<{ columns: ValueColumn[]; rows: PredictionValue[][] }> {
  const column = fc.tuple(fc.constantFrom(...SCALAR_TYPES), fc.boolean());
  return fc.array(column, { minLength: 1, maxLength: 10 }).chain((types) => {
    const columns = types.map(
      ([type, isList], i): ValueColumn => ({
        name: i === 0 ? '__proto__' : `c${i}`,
        type: isList ? `list<${type}>` : type,
      }),
    );
    const cells = types.map(([type, isList]) => {
      const value: fc.Arbitrary<PredictionValue> = isList ? listOf(type) : SCALARS[type];
      return withNulls ? fc.option(value) : value;
    });
    return fc.array(fc.tuple(...cells), { maxLength: 30 }).map((rows) => ({ columns, rows }));
  });
}

export function listOf(type: ScalarType): fc.Arbitrary<PredictionValue[]> {
  return fc.array(fc.option(SCALARS[type], { freq: 4 }), { maxLength: 80 });
}
