import type { Binding } from '../../base/contract/binding.ts';
import { gathered, joined } from '../../model/certify/tensor-rows.ts';
import type { TensorValue } from '../../model/elements/elements.ts';
import { batchFeeds } from '../tensor/slab-feeds.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';

const MOST_ROWS = 4096;

/** The first rows that a run scores, as the model gets them. */
export class KeptRows {
  private parts: ReadonlyMap<string, TensorValue>[] = [];
  private rows = 0;

  /** The rows so far; null when there are none. Lists of any length are not kept. */
  get feeds(): ReadonlyMap<string, TensorValue> | null {
    return this.parts.length === 0 ? null : joined(this.parts);
  }

  /** Copies rows of a slab. Owns: the slab stays the caller's. */
  add(
    { binding, layout }: { readonly binding: Binding; readonly layout: SlabLayout },
    texts: readonly string[],
    buffer: ArrayBufferLike,
    spans: readonly number[],
  ): void {
    const rows = spans.reduce((sum, span) => sum + span, 0);
    const count = Math.min(rows, MOST_ROWS - this.rows);
    if (count <= 0 || binding.lengths !== undefined) return;
    const feeds = batchFeeds({ binding, layout, buffer, texts }, { from: 0, count, batch: count });
    const order = Int32Array.from({ length: count }, (_, i) => i);
    const rowwise = binding.inputs.filter(({ kind }) => kind !== 'constant').map(({ tensor }) => tensor);
    this.parts.push(new Map(rowwise.map((name) => [name, gathered(feeds.get(name)!, order)] as const)));
    this.rows += count;
  }
}
