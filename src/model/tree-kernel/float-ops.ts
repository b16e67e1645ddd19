import type { Code } from './assembler.ts';
import { unsigned } from './leb.ts';

/** Scalars of either float type. */
interface FloatOps {
  load(at: Code, offset?: number): number[];
  store(at: Code, value: Code, offset?: number): number[];
  add(a: Code, b: Code): number[];
  constant(value: number): number[];
  eq(a: Code, b: Code): number[];
  ne(a: Code, b: Code): number[];
  lt(a: Code, b: Code): number[];
  gt(a: Code, b: Code): number[];
  le(a: Code, b: Code): number[];
  ge(a: Code, b: Code): number[];
  abs(a: Code): number[];
  /** `yes` where `condition` is not zero. */
  select(yes: Code, no: Code, condition: Code): number[];
  /** Towards zero; NaN is 0, and what no i32 holds its nearest. */
  toInt(a: Code): number[];
}

export const float: Readonly<Record<'float32' | 'float64', FloatOps>> = {
  float32: floatOps({ load: 0x2a, store: 0x38, add: 0x92, constant: 0x43, compare: 0x5b, abs: 0x8b, toInt: 0 }),
  float64: floatOps({ load: 0x2b, store: 0x39, add: 0xa0, constant: 0x44, compare: 0x61, abs: 0x99, toInt: 2 }),
};

type Opcodes = Readonly<Record<'load' | 'store' | 'add' | 'constant' | 'compare' | 'abs' | 'toInt', number>>;

function floatOps(code: Opcodes): FloatOps {
  const isSingle = code.load === 0x2a;
  const compare =
    (place: number) =>
    (a: Code, b: Code): number[] => [...a, ...b, code.compare + place];
  return {
    load: (at, offset = 0) => [...at, code.load, 0, ...unsigned(offset)],
    store: (at, value, offset = 0) => [...at, ...value, code.store, 0, ...unsigned(offset)],
    add: (a, b) => [...a, ...b, code.add],
    constant: (value) => {
      const bytes = isSingle ? new Float32Array([value]) : new Float64Array([value]);
      return [code.constant, ...new Uint8Array(bytes.buffer)];
    },
    eq: compare(0),
    ne: compare(1),
    lt: compare(2),
    gt: compare(3),
    le: compare(4),
    ge: compare(5),
    abs: (a) => [...a, code.abs],
    select: (yes, no, condition) => [...yes, ...no, ...condition, 0x1b],
    toInt: (a) => [...a, 0xfc, code.toInt],
  };
}
