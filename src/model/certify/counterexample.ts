import type { Counterexample, ExactPolicy, JsonCell, ProofBatch } from '../../base/contract/exact.ts';
import type { RowDependence } from '../../base/contract/row-dependence.ts';
import type { TensorValue } from '../elements/elements.ts';
import { fromHalfBits } from '../elements/half.ts';
import { type Feeds, RowAnswers, type RowPool } from './probe-model.ts';
import type { Mismatch } from './try-policy.ts';

export interface Proof {
  readonly why: RowDependence;
  /** Null where the two batches are too large to be written down. */
  readonly counterexample: Counterexample | null;
}

/** Numbers of a written batch at most. */
const MOST_CELLS = 200_000;
const SIZES = [2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 128, 256, 1024];
/** Rows that are tried as neighbours of one. */
const OTHERS = 3;
const RAW: ExactPolicy = 'plain';

/**
 * The smallest two batches that prove that a row's answer is not the row's alone, as the model is given them without any policy: first of one
 * size with other neighbours, then of two sizes.
 *
 * Errors: the runtime's.
 */
export async function prove(
  pool: RowPool,
  { row, output, order }: Mismatch,
  isQuantized: boolean,
  { fixedBatch, mostRows }: { readonly fixedBatch: number | null; readonly mostRows: number },
): Promise<Proof> {
  const because = (why: RowDependence): RowDependence => (isQuantized && why !== 'random' ? 'quantization' : why);
  const sizes = fixedBatch === null ? SIZES.filter((size) => size <= mostRows) : [fixedBatch];
  for (const size of sizes) {
    for (const place of new Set([0, size - 1])) {
      const [first, ...others] = Array.from({ length: OTHERS }, (_, i) => among(pool, row, size, place, i));
      for (const other of others) {
        const pair = await compare(pool, first!, other, place, place, output);
        if (pair !== null) return { why: because('neighbours'), counterexample: pair };
      }
    }
  }
  if (fixedBatch === null) {
    for (const size of sizes) {
      for (const place of [0, size - 1]) {
        const pair = await compare(pool, Int32Array.of(row), among(pool, row, size, place, 0), 0, place, output);
        if (pair !== null) return { why: because('size'), counterexample: pair };
      }
    }
  }
  const all = Int32Array.from({ length: pool.rows }, (_, i) => i);
  const isFit = fixedBatch === null && pool.rows <= mostRows;
  const pair = isFit ? await compare(pool, order, all, order.indexOf(row), row, output) : null;
  return { why: because('size'), counterexample: pair };
}

/** The same batch twice, where that gives two answers. Errors: the runtime's. */
export async function proveRandom(pool: RowPool, fixedBatch: number | null): Promise<Proof> {
  const order = Int32Array.from({ length: fixedBatch ?? Math.min(4, pool.rows) }, (_, i) => i % pool.rows);
  const answers = new RowAnswers(await pool.run(pool.batch(order), RAW), order.length);
  const again = await pool.run(pool.batch(order), RAW);
  for (let row = 0; row < order.length; row++) {
    const output = answers.differsAt(again, order.length, row, row);
    if (output === null) continue;
    const other = new RowAnswers(again, order.length);
    const [a, b] = [answers, other].map((one) => written(pool.batch(order), row, one.row(output, row)));
    return { why: 'random', counterexample: a == null || b == null ? null : { output, a, b } };
  }
  return { why: 'random', counterexample: null };
}

/** A batch of `size` rows with one of them at `place`, among others. */
function among(pool: RowPool, row: number, size: number, place: number, shift: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) =>
    i === place ? row : (row + 1 + i + shift * Math.max(1, Math.floor(pool.rows / OTHERS))) % pool.rows,
  );
}

async function compare(
  pool: RowPool,
  first: Int32Array,
  second: Int32Array,
  placeA: number,
  placeB: number,
  wanted: string,
): Promise<Counterexample | null> {
  const [feedsA, feedsB] = [pool.batch(first), pool.batch(second)];
  const answersA = new RowAnswers(await pool.run(feedsA, RAW), first.length);
  const fetchedB = await pool.run(feedsB, RAW);
  const output = answersA.differsAt(fetchedB, second.length, placeB, placeA);
  if (output === null) return null;
  const answersB = new RowAnswers(fetchedB, second.length);
  const shown = answersA.tensors.has(output) && answersB.tensors.has(output) ? output : wanted;
  const a = written(feedsA, placeA, answersA.row(shown, placeA));
  const b = written(feedsB, placeB, answersB.row(shown, placeB));
  return a === null || b === null ? null : { output: shown, a, b };
}

function written(feeds: Feeds, row: number, answer: TensorValue): ProofBatch | null {
  const cells = [...feeds.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (cells > MOST_CELLS) return null;
  const inputs = [...feeds].map(
    ([name, value]) => [name, { type: value.type, dims: value.dims, data: jsonCells(value) }] as const,
  );
  return { inputs: Object.fromEntries(inputs), row, values: jsonCells(answer) };
}

function jsonCells({ type, data }: TensorValue): JsonCell[] {
  return Array.from(data, (cell): JsonCell => {
    if (typeof cell === 'string') return cell;
    if (type === 'bool') return Number(cell) === 1;
    if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell);
    const number = type === 'float16' ? fromHalfBits(Number(cell)) : Number(cell);
    // JSON has no -0 for JavaScript either: it is written as 0.
    if (Object.is(number, -0)) return '-0';
    return Number.isFinite(number) ? number : String(number);
  });
}
