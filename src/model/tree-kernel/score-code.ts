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
  int,
  repeat,
  seq,
  v128,
  vectorOf,
  when,
} from './assembler.ts';
import { BLOCK } from './rank-code.ts';

/** Addresses that the code of `score` is made for. */
export interface ScorePlaces {
  /** Rank columns, BLOCK bytes each. */
  readonly ranks: number;
  /** Records of the trees, one after another. */
  readonly trees: number;
  readonly end: number;
  /** BLOCK bytes: the leaf of each row. */
  readonly leaf: number;
}

const VECTORS = BLOCK / 16;

/**
 * Code of `score(sums)`: adds the trees' leaves to the planes of sums, BLOCK a target, which lie at `sums`.
 *
 * A tree's record: count of groups (i32). A group, eight leaves each: counts of nodes that lose leaves to the right and to the left (u16
 * each), number of its first leaf (u8), three bytes; then four bytes a node: rank column (u16), rank, mask. Last the count of targets (i32)
 * and for each the address of its leaves' weights and the offset of its plane (i32 each).
 */
export function scoreCode(sums: 'float32' | 'float64', places: ScorePlaces): number[] {
  const body = new FunctionBody(1);
  const isFloat = sums === 'float32';
  const { p, groups, end, column, targets, weights, plane } = body.named(
    'i32',
    'p',
    'groups',
    'end',
    'column',
    'targets',
    'weights',
    'plane',
  );
  const vs = body.locals('v128', VECTORS);
  const leaves = body.locals('v128', VECTORS);
  const { rank, mask, lowest, high, nibble } = body.named('v128', 'rank', 'mask', 'lowest', 'high', 'nibble');

  const nodes = (bytes: Code, isRightLost: boolean): number[] =>
    when(
      end.tee(i32.shl(bytes, 2)),
      seq(
        end.set(i32.add(end.get, p.get)),
        repeat(
          seq(
            column.set(i32.shl(i32.load16u(p.get, 0), 6)),
            rank.set(v128.load8Splat(p.get, 2)),
            mask.set(v128.load8Splat(p.get, 3)),
            ...vs.map((v, i) => {
              const value = v128.load(column.get, places.ranks + 16 * i);
              const isGone = isRightLost ? i8x16.gts(value, rank.get) : i8x16.gts(rank.get, value);
              return v.set(v128.andnot(v.get, v128.and(isGone, mask.get)));
            }),
            p.set(i32.add(p.get, int(4))),
          ),
          i32.below(p.get, end.get),
        ),
      ),
    );
  const counts = targets;
  const first = weights;
  const group = seq(
    counts.set(i32.load(p.get)),
    first.set(p.get),
    p.set(i32.add(p.get, int(8))),
    ...vs.map((v) => v.set(bytesOf(255))),
    nodes(i32.and(counts.get, int(0xffff)), true),
    nodes(i32.shr(counts.get, 16), false),
    rank.set(v128.load8Splat(first.get, 4)),
    ...vs.map((v, i) => {
      const low = i8x16.relaxedSwizzle(lowest.get, v128.and(v.get, nibble.get));
      const top = i8x16.relaxedSwizzle(high.get, v128.and(i16x8.shrU(v.get, 4), nibble.get));
      const leaf = leaves[i]!;
      return leaf.set(i8x16.minU(leaf.get, i8x16.addSatU(i8x16.minU(low, top), rank.get)));
    }),
  );
  const size = isFloat ? 4 : 8;
  const lanes = 16 / size;
  const ops = isFloat ? f32x4 : f64x2;
  const addLeaves = Array.from({ length: BLOCK / lanes }, (_, i) => {
    const leafAt = (lane: number): Code => i32.load8u(int(0), places.leaf + i * lanes + lane);
    const values = gather(sums, (lane) => ({
      at: i32.add(weights.get, i32.shl(leafAt(lane), isFloat ? 2 : 3)),
      offset: 0,
    }));
    return v128.store(plane.get, ops.add(v128.load(plane.get, 16 * i), values), 16 * i);
  });
  const tree = seq(
    groups.set(i32.load(p.get)),
    p.set(i32.add(p.get, int(4))),
    ...leaves.map((leaf) => leaf.set(bytesOf(255))),
    repeat(group, groups.tee(i32.sub(groups.get, int(1)))),
    ...leaves.map((leaf, i) => v128.store(int(0), leaf.get, places.leaf + 16 * i)),
    targets.set(i32.load(p.get)),
    p.set(i32.add(p.get, int(4))),
    repeat(
      seq(
        weights.set(i32.load(p.get)),
        plane.set(i32.add(body.param(0).get, i32.load(p.get, 4))),
        ...addLeaves,
        p.set(i32.add(p.get, int(8))),
      ),
      targets.tee(i32.sub(targets.get, int(1))),
    ),
  );
  return body.encode(
    seq(
      nibble.set(bytesOf(15)),
      lowest.set(vectorOf(LOWEST_BIT)),
      high.set(vectorOf(LOWEST_BIT.map((bit) => (bit === 255 ? 255 : bit + 4)))),
      p.set(int(places.trees)),
      repeat(tree, i32.below(p.get, int(places.end))),
    ),
  );
}

/** Position of the lowest bit of a nibble; 255 where it has none. */
const LOWEST_BIT = [255, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0];
