/*
 * WebAssembly bytes from TypeScript: one function per kernel, as nested calls that read like the text format. No compiler is needed to
 * build prescore, and a kernel is made for the model it serves: what a model does not use is not in it.
 *
 * Numbers of instructions: WebAssembly core specification 2.0, appendix "Index of Instructions"; relaxed SIMD, proposal of 2023.
 */

import { signed, unsigned } from './leb.ts';

/** Instructions as bytes. */
export type Code = readonly number[];

/** An i32 or v128 value while code is put together. */
export interface Local {
  readonly index: number;
  readonly get: Code;
  set(value: Code): Code;
  tee(value: Code): Code;
}

type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A function of i32 parameters without a result. */
export class FunctionBody {
  private readonly params: number;
  private readonly types: ValueType[] = [];

  constructor(params: number) {
    this.params = params;
  }

  param(index: number): Local {
    return localOf(index);
  }

  local(type: ValueType): Local {
    this.types.push(type);
    return localOf(this.params + this.types.length - 1);
  }

  locals(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Locals of one type by their names. */
  named<Name extends string>(type: ValueType, ...names: readonly Name[]): Readonly<Record<Name, Local>> {
    return Object.fromEntries(names.map((name) => [name, this.local(type)])) as Record<Name, Local>;
  }

  /** The bytes of the code section's entry. */
  encode(code: Code): number[] {
    const locals = this.types.flatMap((type) => [1, TYPES[type]]);
    const body = [...unsigned(this.types.length), ...locals, ...code, 0x0b];
    return [...unsigned(body.length), ...body];
  }
}

function localOf(index: number): Local {
  const at = unsigned(index);
  return {
    index,
    get: [0x20, ...at],
    set: (value) => [...value, 0x21, ...at],
    tee: (value) => [...value, 0x22, ...at],
  };
}

/** A module with one imported memory `m.memory` and functions of i32 parameters, exported by their names. */
export function moduleBytes(
  functions: readonly { name: string; params: number; entry: readonly number[] }[],
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ params }) => [
    0x60,
    ...unsigned(params),
    ...new Array<number>(params).fill(TYPES.i32),
    0,
  ]);
  const exports = functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('m'), ...text('memory'), 2, 0, 0]])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(exports)),
    ...section(10, vector(functions.map(({ entry }) => entry))),
  ]);
}

/** Instructions one after another. */
export function seq(...parts: readonly Code[]): number[] {
  return parts.flat();
}

/** Runs `body` while `more` holds, at least once. */
export function repeat(body: Code, more: Code): number[] {
  return [0x03, 0x40, ...body, ...more, 0x0d, 0, 0x0b];
}

/** Runs `body` where `condition` is not zero. */
export function when(condition: Code, body: Code): number[] {
  return [...condition, 0x04, 0x40, ...body, 0x0b];
}

/** An i32 of either of two pieces of code. */
export function whenElse(condition: Code, yes: Code, no: Code): number[] {
  return [...condition, 0x04, TYPES.i32, ...yes, 0x05, ...no, 0x0b];
}

/** An i32. */
export function int(value: number): number[] {
  return [0x41, ...signed(value)];
}

/** A v128 of 16 bytes. */
export function vectorOf(bytes: readonly number[]): number[] {
  return [0xfd, 12, ...bytes];
}

/** A v128 of one byte, 16 times. */
export function bytesOf(byte: number): number[] {
  return vectorOf(new Array<number>(16).fill(byte));
}

export const i32 = {
  add: (a: Code, b: Code): number[] => [...a, ...b, 0x6a],
  sub: (a: Code, b: Code): number[] => [...a, ...b, 0x6b],
  mul: (a: Code, b: Code): number[] => [...a, ...b, 0x6c],
  and: (a: Code, b: Code): number[] => [...a, ...b, 0x71],
  or: (a: Code, b: Code): number[] => [...a, ...b, 0x72],
  xor: (a: Code, b: Code): number[] => [...a, ...b, 0x73],
  eq: (a: Code, b: Code): number[] => [...a, ...b, 0x46],
  ne: (a: Code, b: Code): number[] => [...a, ...b, 0x47],
  /** `yes` where `condition` is not zero. */
  select: (yes: Code, no: Code, condition: Code): number[] => [...yes, ...no, ...condition, 0x1b],
  shl: (a: Code, bits: number): number[] => [...a, ...int(bits), 0x74],
  shr: (a: Code, bits: number): number[] => [...a, ...int(bits), 0x76],
  shrBy: (a: Code, bits: Code): number[] => [...a, ...bits, 0x76],
  popcnt: (a: Code): number[] => [...a, 0x69],
  below: (a: Code, b: Code): number[] => [...a, ...b, 0x49],
  load: (at: Code, offset = 0): number[] => [...at, 0x28, 2, ...unsigned(offset)],
  load8s: (at: Code, offset = 0): number[] => [...at, 0x2c, 0, ...unsigned(offset)],
  load8u: (at: Code, offset = 0): number[] => [...at, 0x2d, 0, ...unsigned(offset)],
  load16u: (at: Code, offset = 0): number[] => [...at, 0x2f, 1, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): number[] => [...at, ...value, 0x36, 2, ...unsigned(offset)],
  store8: (at: Code, value: Code, offset = 0): number[] => [...at, ...value, 0x3a, 0, ...unsigned(offset)],
} as const;

const simd = (op: number): number[] => [0xfd, ...unsigned(op)];
const one =
  (op: number) =>
  (a: Code): number[] => [...a, ...simd(op)];
const two =
  (op: number) =>
  (a: Code, b: Code): number[] => [...a, ...b, ...simd(op)];
const read =
  (op: number, align: number) =>
  (at: Code, offset = 0): number[] => [...at, ...simd(op), align, ...unsigned(offset)];
const readLane =
  (op: number, align: number) =>
  (at: Code, into: Code, lane: number, offset = 0): number[] => [
    ...at,
    ...into,
    ...simd(op),
    align,
    ...unsigned(offset),
    lane,
  ];

export const v128 = {
  load: read(0, 0),
  load8Splat: read(7, 0),
  load32Splat: read(9, 0),
  load64Splat: read(10, 0),
  load32Zero: read(92, 0),
  load64Zero: read(93, 0),
  load32Lane: readLane(86, 0),
  load64Lane: readLane(87, 0),
  store: (at: Code, value: Code, offset = 0): number[] => [...at, ...value, ...simd(11), 0, ...unsigned(offset)],
  not: one(77),
  and: two(78),
  andnot: two(79),
  or: two(80),
  select: (a: Code, b: Code, mask: Code): number[] => [...a, ...b, ...mask, ...simd(82)],
} as const;

export const i8x16 = {
  /** Lanes beyond 15 are undefined unless their highest bit is set: then zero. */
  relaxedSwizzle: two(256),
  eq: two(35),
  gts: two(39),
  minU: two(119),
  add: two(110),
  sub: two(113),
  addSatU: two(112),
  narrow16: two(101),
  shuffle: (a: Code, b: Code, lanes: readonly number[]): number[] => [...a, ...b, ...simd(13), ...lanes],
} as const;

export const i16x8 = {
  shrU: (a: Code, bits: number): number[] => [...a, ...int(bits), ...simd(141)],
  narrow32: two(133),
} as const;

export const i32x4 = {
  sub: two(177),
  add: two(174),
  bitmask: one(164),
  extract: (a: Code, lane: number): number[] => [...a, ...simd(27), lane],
} as const;

export const f32x4 = {
  lt: two(67),
  gt: two(68),
  ne: two(66),
  add: two(228),
  mul: two(230),
  /** b where a is below b, else a: a NaN in b gives a. */
  pmax: two(235),
  /** b where b is below a, else a: a NaN in b gives a. */
  pmin: two(234),
} as const;

export const f64x2 = {
  lt: two(73),
  gt: two(74),
  ne: two(72),
  bitmask: one(196),
  add: two(240),
  mul: two(242),
  pmax: two(247),
  pmin: two(246),
} as const;

/** A vector of floats that lie apart: one from the address of each lane. */
export function gather(
  type: 'float32' | 'float64',
  addressOf: (lane: number) => { at: Code; offset: number },
): number[] {
  const [first, next, lanes] =
    type === 'float32' ? [v128.load32Zero, v128.load32Lane, 4] : [v128.load64Zero, v128.load64Lane, 2];
  const { at, offset } = addressOf(0);
  let code = first(at, offset);
  for (let lane = 1; lane < lanes; lane++) {
    const here = addressOf(lane);
    code = next(here.at, code, lane, here.offset);
  }
  return code;
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...unsigned(bytes.length), ...bytes];
}

function vector(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(value: string): number[] {
  const bytes = [...Buffer.from(value)];
  return [...unsigned(bytes.length), ...bytes];
}
