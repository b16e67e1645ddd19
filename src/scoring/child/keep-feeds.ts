import type { Binding } from '../../base/contract/binding.ts';
import { FeedsWriter } from '../tensor/kept-feeds.ts';
import { SequenceRows } from '../tensor/sequence-rows.ts';
import { batchFeeds, type RowPick } from '../tensor/slab-feeds.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';
import type { Slab } from '../thread/slab-ring.ts';

/** Rows with lists of any length that are kept as one batch, at most. */
const SEQUENCE_ROWS = 64;

/**
 * Keeps what a model is fed with as files, without the rows that are rejected. Rows are numbered in their order from 0; a reading that
 * is given up and begun again counts once.
 */
export class FeedsKeeper {
  private readonly writer: FeedsWriter;
  private readonly binding: Binding;
  private readonly layout: SlabLayout;
  private rows = 0;
  private begun = { batches: 0, rows: 0 };

  constructor(folder: string, binding: Binding, layout: SlabLayout) {
    this.writer = new FeedsWriter(folder);
    this.binding = binding;
    this.layout = layout;
  }

  /** Whatever was kept since the last `end` is forgotten: it is read again. */
  begin(): void {
    this.writer.forgetAfter(this.begun.batches);
    this.rows = this.begun.rows;
  }

  /** The first `count` rows of a slab, once their codes are final. Owns: the slab stays the caller's. */
  keep({ buffer, feeds }: Slab, count: number, texts: readonly string[]): void {
    const { binding, layout } = this;
    const isKept = (row: number): boolean => feeds.codes[row] === 0;
    const kept = Array.from({ length: count }, (_, row) => row).filter(isKept);
    const numbers = new Map(kept.map((row, i) => [row, this.rows + i]));
    this.rows += kept.length;
    const slab = { binding, layout, buffer, texts };
    for (const pick of this.picks(buffer, count, kept))
      this.writer.add(
        Array.from(new Set(pick.rows), (row) => numbers.get(row)!),
        batchFeeds(slab, pick),
      );
  }

  end(): void {
    this.begun = { batches: this.writer.count, rows: this.rows };
  }

  close(): void {
    this.writer.forgetAfter(this.begun.batches);
    const { fixedBatch, inputs } = this.binding;
    const shared = inputs.filter((input) => input.kind === 'constant' && input.dims[0] !== null);
    this.writer.close({ fixedBatch, shared: shared.map(({ tensor }) => tensor) });
  }

  // Rows of one batch have one length, or are padded to one; of a fixed batch the last row comes until it is full.
  private *picks(buffer: ArrayBufferLike, count: number, kept: readonly number[]): Generator<RowPick> {
    if (kept.length === 0) return;
    if (this.binding.lengths === undefined) {
      const size = this.binding.fixedBatch ?? kept.length;
      for (let from = 0; from < kept.length; from += size) {
        const rows = Int32Array.from({ length: size }, (_, i) => kept[Math.min(from + i, kept.length - 1)]!);
        yield { rows, starts: [], steps: [], longest: [] };
      }
      return;
    }
    const sequences = new SequenceRows(this.binding, this.layout, buffer, count);
    const isKept = new Set(kept);
    const order = sequences.order(0, count).filter((row) => isKept.has(row));
    for (let at = 0; at < order.length; ) {
      const size = sequences.batchAt(order, at, SEQUENCE_ROWS);
      yield sequences.pick(order.subarray(at, at + size));
      at += size;
    }
  }
}
