import type { Binding, BoundInput } from '../../base/contract/binding.ts';
import { type ElementArray, elementView, type FeedTensor } from '../../model/elements/elements.ts';
import { constantTensor } from './constant-tensor.ts';
import { maskTensor, padRows } from './pad-rows.ts';
import type { SlabLayout } from './slab-layout.ts';

/** A slab that is being scored. `texts` is the dictionary of string features. */
export interface SlabSource {
  readonly binding: Binding;
  readonly layout: SlabLayout;
  readonly buffer: ArrayBufferLike;
  readonly texts: readonly string[];
}

/** Rows that follow each other, as a batch of `batch` rows. */
export interface RowRange {
  readonly from: number;
  readonly count: number;
  readonly batch: number;
}

/** Rows in any order, with their lengths: `starts` and `steps` say for each of `Binding.lengths` where a row begins and ends. */
export interface RowPick {
  readonly rows: Int32Array;
  readonly starts: readonly Float64Array[];
  readonly steps: readonly Int32Array[];
  /** The greatest length of these rows. */
  readonly longest: readonly number[];
}

/** The feeds of one batch. Owns: those of a range lie in the slab, which stays the caller's. */
export function batchFeeds(slab: SlabSource, picked: RowRange | RowPick): Map<string, FeedTensor> {
  const feeds = new Map<string, FeedTensor>();
  slab.binding.inputs.forEach((input, i) => {
    const feed = 'rows' in picked ? pickedFeed(slab, input, i, picked) : rangeFeed(slab, input, i, picked);
    feeds.set(input.tensor, feed);
  });
  return feeds;
}

function rangeFeed(slab: SlabSource, input: BoundInput, i: number, { from, count, batch }: RowRange): FeedTensor {
  const place = slab.layout.inputs[i];
  if (input.kind === 'constant') return constantTensor(input, batch);
  if (place == null || (input.kind !== 'columns' && input.kind !== 'list')) throw new TypeError('rows without lengths');
  const { width } = place;
  const all = elementView(input.type, slab.buffer, place.offset, place.elements);
  const rows = all.subarray(from * width, (from + count) * width);
  const data = batch === count ? rows : filled(rows, count, batch, width);
  return asTensor(input, [batch, ...input.tail], data, slab.texts);
}

function pickedFeed(slab: SlabSource, input: BoundInput, i: number, picked: RowPick): FeedTensor {
  const { rows, longest } = picked;
  const batch = rows.length;
  if (input.kind === 'constant') return constantTensor(input, batch, longest[input.length ?? -1]);
  if (input.kind === 'mask') return maskTensor(input, rows, picked.steps[input.length]!, longest[input.length]!);
  const place = slab.layout.inputs[i]!;
  const all = elementView(input.type, slab.buffer, place.offset, place.elements);
  if (input.kind === 'sequence') {
    const { length } = input;
    return padRows(input, all, rows, picked.starts[length]!, picked.steps[length]!, longest[length]!);
  }
  const { width } = place;
  const data = new (all.constructor as new (n: number) => Uint8Array)(batch * width);
  rows.forEach((row, at) => {
    data.set(all.subarray(row * width, (row + 1) * width) as Uint8Array, at * width);
  });
  return asTensor(input, [batch, ...input.tail], data, slab.texts);
}

function asTensor(
  { type }: BoundInput,
  dims: readonly number[],
  data: ElementArray,
  texts: readonly string[],
): FeedTensor {
  if (type !== 'string') return { type, dims, data };
  return { type, dims, data: Array.from(data as Uint32Array, (code) => texts[code] ?? '') };
}

// A short batch of a fixed-batch model is filled with copies of its last row: always a row the model accepts.
function filled(rows: ElementArray, count: number, batch: number, width: number): ElementArray {
  const out = new (rows.constructor as new (n: number) => Uint8Array)(batch * width);
  out.set(rows as Uint8Array, 0);
  for (let row = count; row < batch; row++) out.set(rows.subarray((count - 1) * width) as Uint8Array, row * width);
  return out;
}
