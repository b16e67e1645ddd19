import type { ExactPolicy } from '../../base/contract/exact.ts';
import { type Feeds, RowAnswers, type RowPool } from './probe-model.ts';
import { type ProbeDepth, probeOrders, probeSizes } from './probe-sizes.ts';

/** A row that got other bits in two batches. */
export interface Mismatch {
  /** Its number in the pool. */
  readonly row: number;
  readonly output: string;
  readonly size: number;
  /** The batch in which it differed. */
  readonly order: Int32Array;
}

export interface PolicyResult {
  /** Sizes in which every batch gave the same bits. */
  readonly sizes: readonly number[];
  /** Null where no bit differed, as far as there was time. */
  readonly mismatch: Mismatch | null;
  /** No output is as long as its batch in all of them: there is nothing to compare. */
  readonly isEmpty: boolean;
  /** The same batch, scored twice, gave something else. */
  readonly isRandom: boolean;
}

/** Scores all rows of a pool at all sizes under a policy, until a bit differs or `until` (ms of performance.now) is over. Errors: the runtime's. */
export async function tryPolicy(
  pool: RowPool,
  policy: ExactPolicy,
  fixedBatch: number | null,
  depth: ProbeDepth,
  until: number,
): Promise<PolicyResult> {
  const answers = await answersOf(pool, policy, fixedBatch, depth.mostRows);
  const again = await answersOf(pool, policy, fixedBatch, depth.mostRows);
  const sizes: number[] = [];
  const found = { sizes, mismatch: null, isRandom: false, isEmpty: answers.tensors.size === 0 };
  if (found.isEmpty) return found;
  if (!answers.isSameAs(again)) return { ...found, isRandom: true };
  for (const size of probeSizes(depth, fixedBatch)) {
    for (const order of probeOrders(pool.rows, size, depth, size === (fixedBatch ?? depth.mostRows))) {
      const fetched = await pool.run(pool.batch(order), policy);
      const mismatch = compare(answers, fetched, order);
      if (mismatch !== null) return { ...found, mismatch: { ...mismatch, size, order } };
      if (performance.now() > until) break;
    }
    sizes.push(size);
    if (performance.now() > until) break;
  }
  return found;
}

/** What all rows get in one batch, or in as few as a batch may have rows. */
async function answersOf(
  pool: RowPool,
  policy: ExactPolicy,
  fixedBatch: number | null,
  mostRows: number,
): Promise<RowAnswers> {
  const parts: RowAnswers[] = [];
  for (let from = 0; from < pool.rows; from += fixedBatch ?? mostRows) {
    const size = fixedBatch ?? Math.min(mostRows, pool.rows - from);
    const order = Int32Array.from({ length: size }, (_, i) => Math.min(from + i, pool.rows - 1));
    parts.push(new RowAnswers(await pool.run(pool.batch(order), policy), size));
  }
  return RowAnswers.joined(parts, pool.rows);
}

function compare(answers: RowAnswers, fetched: Feeds, order: Int32Array): Pick<Mismatch, 'row' | 'output'> | null {
  for (let at = 0; at < order.length; at++) {
    const output = answers.differsAt(fetched, order.length, at, order[at]!);
    if (output !== null) return { row: order[at]!, output };
  }
  return null;
}
