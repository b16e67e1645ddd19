import { ZERO_BAND } from '../trees/ensemble.ts';
import { type Code, FunctionBody, i32, int, type Local, repeat, seq, when, whenElse } from './assembler.ts';
import { float } from './float-ops.ts';

/** Rows that walk down a tree side by side: while one waits for its node, the others go on. */
export const ABREAST = 8;

/**
 * A node in memory: threshold (f32 or f64), then i32 each: where its value lies in a row and its flags (`FLAG`), address of its right child,
 * leaf. The left child follows its parent; a leaf's right child is itself, and its threshold NaN, so that no value leaves it.
 */
export const NODE = {
  float32: { value: 4, right: 8, leaf: 12, size: 16 },
  float64: { value: 8, right: 12, leaf: 16, size: 24 },
} as const;

/** Lowest bits of the word that says where a value lies; the offset stands above them. */
export const FLAG = {
  /** What is missing goes left. */
  left: 1,
  /** NaN is compared as zero. */
  asZero: 2,
  /** Values near zero are missing. */
  zero: 4,
  /**
   * The threshold's place holds the address of a category set, and the leaf's its number of categories. `left`: what is no category goes
   * left; `asZero`: so is everything below zero, not only from -1 on; `zero`: but NaN goes right.
   */
  category: 8,
  bits: 4,
} as const;

/** Which rules an ensemble needs: what none of its nodes asks for is not in the code. */
export interface WalkRules {
  readonly missingLeft: boolean;
  readonly zeros: boolean;
  readonly categories: boolean;
}

/**
 * Code that takes walks in `at`, each the address of a node, down their trees side by side until all stand at a leaf. `valueAt`: the
 * value of walk `i` whose offset in a row is given.
 */
export function stepCode(
  body: FunctionBody,
  type: 'float32' | 'float64',
  rules: WalkRules,
  at: readonly Local[],
  valueAt: (offset: Code, i: number) => Code,
): number[] {
  const { moved, next, word, set } = body.named('i32', 'moved', 'next', 'word', 'set');
  const x = body.local(type === 'float32' ? 'f32' : 'f64');
  const ops = float[type];
  const node = NODE[type];
  const missing = (): Code => {
    const isNan = ops.ne(x.get, x.get);
    if (!rules.zeros) return isNan;
    const near = ops.le(ops.abs(x.get), ops.constant(ZERO_BAND));
    return i32.or(isNan, i32.and(near, bitOf(word, FLAG.zero)));
  };
  const compared = (here: Local): Code => {
    const isLess = ops.le(x.get, ops.load(here.get));
    if (!rules.missingLeft && !rules.zeros) return isLess;
    const isLeft = i32.and(word.get, int(FLAG.left));
    // A value near zero may be below the threshold: where it is missing, the flag alone decides.
    if (rules.zeros) return i32.select(isLeft, isLess, missing());
    return i32.or(isLess, i32.and(missing(), isLeft));
  };
  const member = (here: Local): Code => {
    const isWhole = i32.and(ops.gt(x.get, ops.constant(-1)), i32.eq(bitOf(word, FLAG.asZero), int(0)));
    const isCategory = i32.or(ops.ge(x.get, ops.constant(0)), isWhole);
    return seq(
      set.set(ops.toInt(x.get)),
      whenElse(
        i32.and(
          i32.and(isCategory, ops.lt(x.get, ops.constant(2147483648))),
          i32.below(set.get, i32.load(here.get, node.leaf)),
        ),
        i32.and(
          i32.shrBy(i32.load(i32.add(i32.load(here.get), i32.shl(i32.shr(set.get, 5), 2))), i32.and(set.get, int(31))),
          int(1),
        ),
        i32.and(
          i32.and(word.get, int(FLAG.left)),
          i32.eq(i32.and(ops.ne(x.get, x.get), bitOf(word, FLAG.zero)), int(0)),
        ),
      ),
    );
  };
  const step = at.map((here, i) => {
    const zeroed = rules.zeros
      ? when(bitOf(word, FLAG.asZero), x.set(ops.select(x.get, ops.constant(0), ops.eq(x.get, x.get))))
      : [];
    const goesLeft = rules.categories
      ? whenElse(bitOf(word, FLAG.category), member(here), compared(here))
      : compared(here);
    return seq(
      word.set(i32.load(here.get, node.value)),
      x.set(valueAt(i32.shr(word.get, FLAG.bits), i)),
      zeroed,
      next.set(i32.select(i32.add(here.get, int(node.size)), i32.load(here.get, node.right), goesLeft)),
      moved.set(i32.or(moved.get, i32.xor(next.get, here.get))),
      here.set(next.get),
    );
  });
  return repeat(seq(moved.set(int(0)), ...step), moved.get);
}

/**
 * Code of `walk(root, rows, end, leaves)`: the leaf of each row at [rows, end), `stride` bytes each and ABREAST of them a time, as i32 at
 * `leaves`.
 */
export function walkCode(type: 'float32' | 'float64', stride: number, rules: WalkRules): number[] {
  const body = new FunctionBody(4);
  const [root, rows, end, leaves] = [0, 1, 2, 3].map((i) => body.param(i)) as [Local, Local, Local, Local];
  const at = body.locals('i32', ABREAST);
  const valueAt = (offset: Code, i: number): Code => float[type].load(i32.add(rows.get, offset), i * stride);
  const steps = stepCode(body, type, rules, at, valueAt);
  return body.encode(
    repeat(
      seq(
        ...at.map((here) => here.set(root.get)),
        steps,
        ...at.map((here, i) => i32.store(leaves.get, i32.load(here.get, NODE[type].leaf), 4 * i)),
        rows.set(i32.add(rows.get, int(ABREAST * stride))),
        leaves.set(i32.add(leaves.get, int(4 * ABREAST))),
      ),
      i32.below(rows.get, end.get),
    ),
  );
}

function bitOf(word: Local, flag: number): Code {
  return i32.ne(i32.and(word.get, int(flag)), int(0));
}
