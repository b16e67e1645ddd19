import { ZERO_BAND } from '../trees/ensemble.ts';
import { floatsOf } from '../trees/float-arrays.ts';
import {
  bytesOf,
  type Code,
  FunctionBody,
  f32x4,
  f64x2,
  gather,
  i8x16,
  i16x8,
  i32,
  i32x4,
  int,
  type Local,
  repeat,
  seq,
  v128,
  vectorOf,
  when,
} from './assembler.ts';
import type { CellType } from './threshold-grid.ts';

/** Rows that are ranked and scored together. */
export const BLOCK = 64;

/** Where the fields of a scan lie in its record, in bytes. */
export const SCAN = {
  value: 0,
  mode: 4,
  count: 8,
  thresholds: 12,
  cells: 16,
  low: 20,
  high: 24,
  family: 28,
  scale: 32,
  offset: 40,
  last: 48,
  size: 64,
} as const;

/** How a scan finds ranks: thresholds one by one over four rows, one vector of thresholds per row, or several. */
export const MODE = { few: 0, one: 1, many: 2 } as const;

export const FAMILY = { nan: 0, asZero: 1, zero: 2 } as const;

/** Ranks lie in memory less 128: bytes are compared as signed, which is one instruction. */
export const BIAS = 128;

/** Bits of the float that a cell is added to, so that its integer stands in the lowest bits. */
export const MAGIC_BITS: Readonly<Record<CellType, number>> = { float32: 0x4b000000, float64: 0 };

/**
 * Code of `rank(rows)`: the ranks of BLOCK rows of `features` values each, row-major, for all scans of the records at [scans, end).
 */
export function rankCode(type: CellType, features: number, scans: number, end: number): number[] {
  const body = new FunctionBody(1);
  const isFloat = type === 'float32';
  const ops = isFloat ? f32x4 : f64x2;
  const size = isFloat ? 4 : 8;
  const lanes = 16 / size;
  const stride = features * size;
  const { record, x, out, high, left, count, at, base, vectors } = body.named(
    'i32',
    'record',
    'x',
    'out',
    'high',
    'left',
    'count',
    'at',
    'base',
    'vectors',
  );
  const xs = body.locals('v128', 16 / lanes);
  const masks = body.locals('v128', 4);
  const { limit, scale, offset, last } = body.named('v128', 'limit', 'scale', 'offset', 'last');
  const field = (name: keyof typeof SCAN): Code => i32.load(record.get, SCAN[name]);
  const splatField = (name: 'scale' | 'offset' | 'last'): Code =>
    isFloat ? v128.load32Splat(record.get, SCAN[name]) : v128.load64Splat(record.get, SCAN[name]);

  const load = xs.map((into, i) =>
    into.set(gather(type, (lane) => ({ at: x.get, offset: (i * lanes + lane) * stride }))),
  );
  const asZero = xs.map((v) => v.set(v128.andnot(v.get, ops.ne(v.get, v.get))));
  const bandAsNan = xs.map((v) => {
    const outside = v128.or(ops.gt(v.get, constantOf(type, ZERO_BAND)), ops.lt(v.get, constantOf(type, -ZERO_BAND)));
    return v.set(v128.or(v.get, v128.not(outside)));
  });
  /** A mask of 32 bits a row for four rows, of vectors of `lanes` rows. */
  const fourRows = (i: number, test: (v: Local) => Code): Code =>
    isFloat ? test(xs[i]!) : i8x16.shuffle(test(xs[2 * i]!), test(xs[2 * i + 1]!), LOW_WORDS);
  const narrow = (of: (i: number) => Code): Code =>
    i8x16.narrow16(i16x8.narrow32(of(0), of(1)), i16x8.narrow32(of(2), of(3)));

  const few = seq(
    ...masks.map((m) => m.set(bytesOf(0))),
    at.set(field('thresholds')),
    count.set(field('count')),
    repeat(
      seq(
        limit.set(isFloat ? v128.load32Splat(at.get) : v128.load64Splat(at.get)),
        ...masks.map((m, i) =>
          m.set(
            i32x4.sub(
              m.get,
              fourRows(i, (v) => ops.gt(v.get, limit.get)),
            ),
          ),
        ),
        at.set(i32.add(at.get, int(size))),
      ),
      count.tee(i32.sub(count.get, int(1))),
    ),
    v128.store(
      out.get,
      i8x16.sub(
        narrow((i) => masks[i]!.get),
        bytesOf(BIAS),
      ),
    ),
  );
  const magic = constantOf(type, isFloat ? 2 ** 23 : 2 ** 52);
  const cells = xs.map((v) => {
    const place = ops.add(ops.mul(v.get, scale.get), offset.get);
    return ops.add(ops.pmin(last.get, ops.pmax(bytesOf(0), place)), magic);
  });
  const above = (v: Local, lane: number, vector: Code, step: number): Code =>
    i32.popcnt((isFloat ? i32x4 : f64x2).bitmask(ops.gt(splatLane(v, lane, size), v128.load(vector, step))));
  const byCells = (isMany: boolean): number[] =>
    seq(
      ...xs.flatMap((v, i) =>
        Array.from({ length: lanes }, (_, lane) => {
          const cell = i32x4.extract(limit.get, isFloat ? lane : 2 * lane);
          const first = i32.add(field('thresholds'), i32.shl(base.get, isFloat ? 2 : 3));
          const start = BIAS * size;
          const row = i * lanes + lane;
          const find = base.set(i32.load8s(i32.add(field('cells'), cell)));
          const head = lane === 0 ? limit.set(cells[i]!) : [];
          if (!isMany)
            return seq(head, find, i32.store8(out.get, i32.add(base.get, above(v, lane, first, start)), row));
          return seq(
            head,
            find,
            at.set(first),
            vectors.set(field('count')),
            repeat(
              seq(base.set(i32.add(base.get, above(v, lane, at.get, start))), at.set(i32.add(at.get, int(16)))),
              vectors.tee(i32.sub(vectors.get, int(1))),
            ),
            i32.store8(out.get, base.get, row),
          );
        }),
      ),
    );
  const loadGrid = seq(scale.set(splatField('scale')), offset.set(splatField('offset')), last.set(splatField('last')));
  const isMode = (mode: number): Code => i32.eq(field('mode'), int(mode));
  const isFamily = (family: number): Code => i32.eq(field('family'), int(family));
  const highest = seq(
    v128.store(
      high.get,
      v128.select(
        bytesOf(127),
        v128.load(out.get),
        narrow((i) => fourRows(i, (v) => ops.ne(v.get, v.get))),
      ),
    ),
    high.set(i32.add(high.get, int(16))),
  );
  const block = seq(
    ...load,
    when(isFamily(FAMILY.asZero), asZero.flat()),
    when(isFamily(FAMILY.zero), bandAsNan.flat()),
    when(isMode(MODE.few), few),
    when(isMode(MODE.one), seq(loadGrid, byCells(false))),
    when(isMode(MODE.many), seq(loadGrid, byCells(true))),
    when(field('high'), highest),
    x.set(i32.add(x.get, int(16 * stride))),
    out.set(i32.add(out.get, int(16))),
  );
  return body.encode(
    seq(
      record.set(int(scans)),
      repeat(
        seq(
          x.set(i32.add(body.param(0).get, field('value'))),
          out.set(field('low')),
          high.set(field('high')),
          left.set(int(BLOCK / 16)),
          repeat(block, left.tee(i32.sub(left.get, int(1)))),
          record.set(i32.add(record.get, int(SCAN.size))),
        ),
        i32.below(record.get, int(end)),
      ),
    ),
  );
}

const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

function splatLane(v: Local, lane: number, size: number): Code {
  const bytes = Array.from({ length: 16 }, (_, i) => lane * size + (i % size));
  return i8x16.shuffle(v.get, v.get, bytes);
}

function constantOf(type: CellType, value: number): number[] {
  const values = floatsOf(type, type === 'float32' ? 4 : 2).fill(value);
  return vectorOf([...new Uint8Array(values.buffer)]);
}
