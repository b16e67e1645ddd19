import type { Binding } from '../../base/contract/binding.ts';
import type { LiveTensor } from '../../base/contract/live-model.ts';
import type { FeatureBatch } from '../../scoring/tensor/feature-batch.ts';
import { SequenceRows } from '../../scoring/tensor/sequence-rows.ts';
import { batchFeeds } from '../../scoring/tensor/slab-feeds.ts';
import type { SlabLayout } from '../../scoring/tensor/slab-layout.ts';

/** Rows of a request that are scored together. */
export interface RowGroup {
  readonly inputs: Map<string, LiveTensor>;
  /** Rows of the request, in the order of the tensors. */
  readonly rows: readonly number[];
}

/** Rows of a group at most: what the batcher scores at a time by default. */
const MOST_ROWS = 256;

/** How many steps the rows of a batch have together, for each length of a binding: the room that they need. Errors: none. */
export function stepsTogether(binding: Binding, batch: FeatureBatch, places: ReadonlyMap<string, number>): number[] {
  const most = (binding.lengths ?? []).map(() => 0);
  for (const input of binding.inputs) {
    if (input.kind !== 'sequence') continue;
    const { entries } = batch.column(places.get(input.column)!).list();
    let steps = 0;
    for (let row = 0; row < batch.rows; row++) steps += Math.ceil(entries[row * 4 + 2]! / input.step);
    most[input.length] = Math.max(most[input.length]!, steps);
  }
  return most;
}

/**
 * Groups of rows of one length each, so that nothing is padded: a live row's prediction is that of the row alone. `isKept` leaves out rows that
 * are rejected. Errors: none. Owns: the caller; nothing lies in the buffer.
 */
export function sequenceGroups(
  binding: Binding,
  layout: SlabLayout,
  buffer: ArrayBuffer,
  texts: readonly string[],
  isKept: (row: number) => boolean,
): RowGroup[] {
  const lengths = (binding.lengths ?? []).map((length) => ({ ...length, isPadded: false }));
  const slab = { binding: { ...binding, lengths }, layout, buffer, texts };
  const sequences = new SequenceRows(slab.binding, layout, buffer, layout.rows);
  const order = sequences.order(0, layout.rows).filter(isKept);
  const groups: RowGroup[] = [];
  for (let at = 0; at < order.length; ) {
    const rows = order.subarray(at, at + sequences.batchAt(order, at, MOST_ROWS));
    groups.push({ inputs: batchFeeds(slab, sequences.pick(rows)), rows: [...rows] });
    at += rows.length;
  }
  return groups;
}
