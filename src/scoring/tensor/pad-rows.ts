import type { BoundMask, BoundSequence } from '../../base/contract/binding.ts';
import { type ElementArray, type FeedTensor, zeros } from '../../model/elements/elements.ts';
import { storedValue } from '../../model/elements/stored-value.ts';
import { tailOf } from './bind-sequences.ts';

/**
 * A tensor of rows of different lengths: `packed` has them without gaps, row r from step `starts[r]`, `steps[r]` long; each of `rows` ends
 * in the input's padding up to `longest`. Owns: the caller.
 */
export function padRows(
  { type, step, tail, pad }: BoundSequence,
  packed: ElementArray,
  rows: Int32Array,
  starts: Float64Array,
  steps: Int32Array,
  longest: number,
): FeedTensor {
  const width = longest * step;
  const data = zeros(type, rows.length * width) as Float64Array;
  const value = storedValue(type, pad) as number;
  rows.forEach((row, at) => {
    const [start, count] = [starts[row]! * step, steps[row]! * step];
    data.set(packed.subarray(start, start + count) as Float64Array, at * width);
    if (Number(value) !== 0) data.fill(value, at * width + count, (at + 1) * width);
  });
  return { type, dims: [rows.length, ...tailOf(tail, longest)], data };
}

/** 1 for each step of a row, 0 behind its end. Owns: the caller. */
export function maskTensor(
  { type, tail }: BoundMask,
  rows: Int32Array,
  steps: Int32Array,
  longest: number,
): FeedTensor {
  const data = zeros(type, rows.length * longest) as Float64Array;
  const one = storedValue(type, 1) as number;
  rows.forEach((row, at) => {
    data.fill(one, at * longest, at * longest + steps[row]!);
  });
  return { type, dims: [rows.length, ...tailOf(tail, longest)], data };
}

/** Where each row begins when rows of these lengths lie one behind another, in steps. */
export function startsOf(steps: Int32Array, rows: number): Float64Array {
  const starts = new Float64Array(rows);
  let next = 0;
  for (let row = 0; row < rows; row++) {
    starts[row] = next;
    next += steps[row]!;
  }
  return starts;
}
