import type { Binding } from '../../base/contract/binding.ts';
import { elementBytes } from '../../model/elements/elements.ts';
import { startsOf } from './pad-rows.ts';
import type { RowPick } from './slab-feeds.ts';
import { lengthViews, rowBytes, type SlabLayout } from './slab-layout.ts';

/**
 * Rows of a slab whose lists have any length. They are scored in the order of their lengths, so that a batch has rows of one length, or
 * of nearly one where the job lets them be padded. Which rows share a batch follows from the slab alone. Rows of length 0 are rejects
 * and are not scored.
 */
export class SequenceRows {
  private readonly binding: Binding;
  private readonly steps: readonly Int32Array[];
  private readonly starts: readonly Float64Array[];
  /** Places in `binding.lengths`: those that rows of a batch have in common, then the padded ones. */
  private readonly exact: readonly number[];
  private readonly padded: readonly number[];
  private readonly bytesPerRow: number;

  constructor(binding: Binding, layout: SlabLayout, buffer: ArrayBufferLike, rows: number) {
    const lengths = binding.lengths ?? [];
    this.binding = binding;
    this.steps = lengthViews(layout, buffer);
    this.starts = this.steps.map((steps) => startsOf(steps, rows));
    const places = lengths.map((_, n) => n);
    this.exact = places.filter((n) => !lengths[n]!.isPadded);
    this.padded = places.filter((n) => lengths[n]!.isPadded);
    this.bytesPerRow = rowBytes(binding);
  }

  /** Rows [start, start + count) that are scored, in the order in which they are. */
  order(start: number, count: number): Int32Array {
    const keys = [...this.exact, ...this.padded].map((n) => this.steps[n]!);
    const rows = Int32Array.from({ length: count }, (_, i) => start + i).filter((row) => keys[0]![row]! > 0);
    return rows.sort((a, b) => {
      for (const key of keys) if (key[a] !== key[b]) return key[a]! - key[b]!;
      return a - b;
    });
  }

  /** How many rows of an order share a batch from `at`: of as many bytes, padding included, as `most` rows of usual length have. */
  batchAt(order: Int32Array, at: number, most: number): number {
    const longest = this.steps.map((steps) => steps[order[at]!]!);
    for (let count = 1; ; count++) {
      const row = order[at + count];
      if (row === undefined || count >= most) return count;
      if (this.exact.some((n) => this.steps[n]![row] !== longest[n])) return count;
      for (const n of this.padded) longest[n] = Math.max(longest[n]!, this.steps[n]![row]!);
      if ((count + 1) * this.paddedBytes(longest) > most * this.bytesPerRow) return count;
    }
  }

  /** Rows with their lengths. */
  pick(rows: Int32Array): RowPick {
    const longest = this.steps.map((steps) => rows.reduce((most, row) => Math.max(most, steps[row]!), 0));
    return { rows, starts: this.starts, steps: this.steps, longest };
  }

  /** The row of these that is padded most; null when none is padded. */
  shortest(rows: Int32Array): number | null {
    const { longest } = this.pick(rows);
    let [found, most] = [null as number | null, 0];
    rows.forEach((row, i) => {
      const missing = this.steps.reduce((sum, steps, n) => sum + longest[n]! - steps[row]!, 0);
      if (missing > most) [found, most] = [i, missing];
    });
    return found;
  }

  private paddedBytes(longest: readonly number[]): number {
    return this.binding.inputs.reduce((sum, input) => {
      if (input.kind === 'constant' || input.kind === 'mask') return sum;
      const width =
        input.kind === 'sequence'
          ? longest[input.length]! * input.step
          : input.kind === 'list'
            ? input.width
            : input.columns.length;
      return sum + width * elementBytes(input.type);
    }, 0);
  }
}
