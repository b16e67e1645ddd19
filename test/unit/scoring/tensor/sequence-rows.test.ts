import { expect, test } from 'vitest';
import type { Binding } from '../../../../src/base/contract/binding.ts';
import { SequenceRows } from '../../../../src/scoring/tensor/sequence-rows.ts';
import { exactLayout, lengthViews, slabLayout } from '../../../../src/scoring/tensor/slab-layout.ts';

function bindingOf(isPadded: boolean, maxLength = 20_000): Binding {
  const sequence = { kind: 'sequence', type: 'int64', step: 1, tail: [null], nulls: 'reject', pad: 0 } as const;
  return {
    fixedBatch: null,
    inputs: [{ ...sequence, tensor: 'x', column: 'x', length: 0 }],
    outputs: [],
    lengths: [{ maxLength, isPadded }],
  };
}

/** Lengths of the rows of each batch, of rows of these lengths. */
function batches(binding: Binding, lengths: readonly number[], most: number): number[][] {
  const layout = exactLayout(binding, lengths.length, [lengths.reduce((sum, n) => sum + n, 0)]);
  const buffer = new ArrayBuffer(layout.bytes);
  lengthViews(layout, buffer)[0]!.set(lengths);
  const rows = new SequenceRows(binding, layout, buffer, lengths.length);
  const order = rows.order(0, lengths.length);
  const found: number[][] = [];
  for (let at = 0; at < order.length; ) {
    const batch = order.subarray(at, at + rows.batchAt(order, at, most));
    found.push(Array.from(batch, (row) => lengths[row]!));
    at += batch.length;
  }
  return found;
}

test('a long row stands alone: a batch has no more than its rows of usual length have, padding included', () => {
  const lengths = [10_000, ...Array.from({ length: 40 }, (_, i) => 100 + (i % 20)), 0, 300];
  const made = batches(bindingOf(true), lengths, 16);
  expect(made.flat().toSorted((a, b) => a - b)).toEqual(lengths.filter((n) => n > 0).toSorted((a, b) => a - b));
  for (const batch of made)
    if (batch.length > 1) expect(batch.length * Math.max(...batch)).toBeLessThanOrEqual(16 * 128);
  expect(made.slice(-2)).toEqual([[300], [10_000]]);
});

test('without padding a batch has rows of one length', () => {
  const made = batches(bindingOf(false), [3, 5, 3, 4, 5, 3], 2);
  expect(made).toEqual([[3, 3], [3], [4], [5, 5]]);
});

test('a slab has room for a row of the greatest length, and is not as large as rows of it', () => {
  const layout = slabLayout(bindingOf(true, 1_000_000), 64);
  expect(layout.inputs[0]!.elements).toBeGreaterThanOrEqual(1_000_000);
  expect(layout.bytes).toBeLessThan(32 * 1024 * 1024);
});
