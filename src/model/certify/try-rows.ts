import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { TensorValue } from '../elements/elements.ts';
import { fromHalfBits } from '../elements/half.ts';
import { timeOf } from './time-of.ts';
import { copyTrialRow, TRIAL_STYLES, type TrialInput, trialFeeds, trialRowBytes } from './trial-rows.ts';

export interface RowsToTry {
  readonly inputs: readonly TrialInput[];
  /** Rows that a batch may have; of a model with a fixed batch exactly so many. */
  readonly rows: number;
  readonly isFixed: boolean;
  /** Throws what the runtime throws when it refuses the rows. */
  readonly run: (feeds: ReadonlyMap<string, TensorValue>) => Promise<ReadonlyMap<string, TensorValue>>;
}

/** Rows of a trial: enough that one has neighbours before and after it. */
const TRIAL_ROWS = 16;
const FEWEST_ROWS = 4;
/** Each of three batches may take so long; slower models are tried with fewer rows, and the slowest not at all. */
const BATCH_MS = 100;
const LONGEST_MS = 1000;
const MOST_BYTES = 16 * 1024 * 1024;
const SEED = 20_240_229;
/** Devices other than the CPU add up in any order. */
const DEVICE_TOLERANCE = 1e-3;

/**
 * Tries on a GPU whether a row's prediction is a function of the row (on a CPU `certifyModel` does, in every bit): a batch of made-up rows is
 * scored twice, then a batch of the same size in which two of them stand at the same places between others. The size stays the same, because
 * kernels choose by it and round differently. Null where the model refuses all kinds of rows that are tried, or takes too long.
 */
export async function tryRows(trial: RowsToTry): Promise<RowTrial> {
  for (const style of TRIAL_STYLES) {
    try {
      const rows = await rowsFor(trial, style);
      if (rows === null) return null;
      const feeds = trialFeeds(trial.inputs, rows, style, SEED, false);
      const first = snapshot(await trial.run(feeds));
      const again = await trial.run(trialFeeds(trial.inputs, rows, style, SEED, false));
      if (!isSame(first, again, null)) return 'random';
      const others = trialFeeds(trial.inputs, rows, style, SEED + 1, true);
      const kept = keptRows(rows);
      for (const row of kept) copyTrialRow(trial.inputs, feeds, others, row);
      const between = await trial.run(others);
      return isSame(first, between, { rows, kept }) ? 'none' : 'neighbours';
    } catch {
      // Refused: the next kind of values may be taken.
    }
  }
  return null;
}

async function rowsFor(trial: RowsToTry, style: (typeof TRIAL_STYLES)[number]): Promise<number | null> {
  const bytes = Math.max(1, trialRowBytes(trial.inputs));
  const size = trial.isFixed ? trial.rows : 1;
  if (size * bytes > MOST_BYTES) return null;
  const feeds = trialFeeds(trial.inputs, size, style, SEED, false);
  // The first run plans memory.
  const cold = await timeOf(() => trial.run(feeds));
  if (cold > LONGEST_MS) return null;
  const ms = await timeOf(() => trial.run(feeds));
  if (trial.isFixed) return ms > LONGEST_MS ? null : size;
  const wanted = Math.floor(Math.min(TRIAL_ROWS, trial.rows, MOST_BYTES / bytes));
  const quick = Math.max(Math.min(FEWEST_ROWS, wanted), Math.min(wanted, Math.floor(BATCH_MS / Math.max(ms, 0.001))));
  return quick < 1 || quick * ms > LONGEST_MS ? null : quick;
}

/** The last row, and one in the middle where there are enough: a row may depend on those before it alone, or on those after it. */
function keptRows(rows: number): number[] {
  if (rows < 2) return [];
  return rows < FEWEST_ROWS ? [rows - 1] : [Math.floor(rows / 3), rows - 1];
}

function snapshot(fetched: ReadonlyMap<string, TensorValue>): Map<string, TensorValue> {
  return new Map([...fetched].map(([name, value]) => [name, { ...value, data: Array.from(value.data) }]));
}

// Outputs whose first axis is not the batch, or whose shape goes by the values, are compared only where all rows are the same.
function isSame(
  a: ReadonlyMap<string, TensorValue>,
  b: ReadonlyMap<string, TensorValue>,
  only: { readonly rows: number; readonly kept: readonly number[] } | null,
): boolean {
  for (const [name, left] of a) {
    const right = b.get(name);
    if (right === undefined || left.data.length !== right.data.length) {
      if (only === null) return false;
      continue;
    }
    if (only === null) {
      if (!isSameRange(left, right, 0, left.data.length)) return false;
    } else if (left.dims[0] === only.rows) {
      const width = left.data.length / only.rows;
      if (only.kept.some((row) => !isSameRange(left, right, row * width, (row + 1) * width))) return false;
    }
  }
  return true;
}

function isSameRange(a: TensorValue, b: TensorValue, from: number, to: number): boolean {
  for (let i = from; i < to; i++)
    if (!Object.is(a.data[i], b.data[i]) && !isNear(numberOf(a, i), numberOf(b, i))) return false;
  return true;
}

/** Whether two values differ by no more than a thousandth, as they may on other devices and in batches of other sizes. */
export function isNear(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  return Math.abs(a - b) <= DEVICE_TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Element `i` as a number. */
export function numberOf({ type, data }: TensorValue, i: number): number {
  return type === 'float16' ? fromHalfBits(Number(data[i])) : Number(data[i]);
}
