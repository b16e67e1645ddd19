import type { Binding } from '../../base/contract/binding.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { FetchColumns, type PredictionColumn } from '../tensor/fetch-columns.ts';
import { inRowOrder } from '../tensor/row-order.ts';
import { SequenceRows } from '../tensor/sequence-rows.ts';
import { batchFeeds, type RowPick, type RowRange } from '../tensor/slab-feeds.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';
import { bisectRows } from './bisect-rows.ts';
import { provePadding } from './prove-padding.ts';
import type { OutputReject } from './thread-messages.ts';

export interface SlabScore {
  readonly columns: readonly PredictionColumn[];
  readonly rejects: readonly OutputReject[];
  readonly batches: number;
  /** Rows to which batches are halved for want of memory; null when they are not. */
  readonly halvedTo: number | null;
}

/** A job's binding, ready to score slabs. `texts` is the dictionary of string features and grows from outside. */
export interface SlabScorer {
  readonly binding: Binding;
  readonly layout: SlabLayout;
  readonly batchRows: number;
  readonly texts: readonly string[];
  /** Rows that a batch may have: `batchRows`, until memory was short for them. Kept from slab to slab. */
  readonly limit: { rows: number };
  /** Padded batches so far: of some of them a row is compared with itself alone. Kept from slab to slab. */
  readonly proofs: { padded: number };
  readonly onBatch: (isBusy: boolean) => void;
}

/**
 * Scores a slab batch by batch. `spans`: the lengths of its runs of rows, one unless small chunks share the slab. Boundaries
 * are multiples of `batchRows` from a run's first row, so they are the same on every attempt. A batch for which memory is short is halved, and so are all later ones. A batch that fails otherwise is bisected down to its guilty rows, which become rejects.
 *
 * Rows whose lists have any length are scored in the order of their lengths (`SequenceRows`).
 *
 * Errors: MODEL_OUTPUT_SHAPE; MODEL_PADDING; MODEL_FAILED when single rows already want more memory than there is. Owns: the slab stays the caller's; columns are handed over.
 */
export async function scoreSlab(
  session: ModelSession,
  scorer: SlabScorer,
  buffer: ArrayBufferLike,
  spans: readonly number[],
): Promise<SlabScore> {
  const { binding, layout, batchRows, limit } = scorer;
  const rows = spans.reduce((sum, span) => sum + span, 0);
  const fetches = [...new Set(binding.outputs.map((o) => o.tensor))];
  const isRagged = binding.lengths?.every(({ isPadded }) => !isPadded) ?? false;
  const columns = new FetchColumns(binding.outputs, rows, isRagged);
  const rejects: OutputReject[] = [];
  const slab = { ...scorer, buffer };
  const sequences = binding.lengths === undefined ? null : new SequenceRows(binding, layout, buffer, rows);
  /** Row of the slab by its place among those that are scored, where that is another. */
  const order = new Int32Array(sequences === null ? 0 : rows);
  const rowAt = (place: number): number => (sequences === null ? place : order[place]!);
  let batches = 0;

  const run = (picked: RowRange | RowPick) => {
    scorer.onBatch(true);
    return session.run(batchFeeds(slab, picked), fetches).finally(() => scorer.onBatch(false));
  };

  const runRows = async (from: number, count: number): Promise<void> => {
    const picked = order.subarray(from, from + count);
    const batch = binding.fixedBatch ?? count;
    const pick = sequences?.pick(picked) ?? null;
    const fetched = await run(pick ?? { from, count, batch });
    batches++;
    const shortest = sequences?.shortest(picked) ?? null;
    if (shortest !== null && sequences !== null && isProved(++scorer.proofs.padded)) {
      const alone = await run(sequences.pick(picked.subarray(shortest, shortest + 1))).catch(() => null);
      if (alone !== null) provePadding(binding.outputs, fetched, count, shortest, alone);
    }
    const seen = new Set<number>();
    const onBad = (row: number, column: string, message: string): void => {
      if (seen.has(row)) return;
      seen.add(row);
      rejects.push({ row: rowAt(from + row), rule: 'bad_output', column, message });
    };
    const length = isRagged ? pick?.longest.join() : undefined;
    columns.add(fetched, from, count, batch, onBad, length);
  };

  const onGuilty = (place: number, message: string): void => {
    rejects.push({ row: rowAt(place), rule: 'model_error', column: '', message });
  };
  const onHalved = (fits: number): void => {
    limit.rows = Math.min(limit.rows, fits);
  };
  let start = 0;
  let placed = 0;
  for (const span of spans) {
    const own = sequences?.order(start, span);
    if (own !== undefined) order.set(own, placed);
    const scored = own?.length ?? span;
    for (let done = 0; done < scored; ) {
      const count =
        own === undefined || sequences === null
          ? Math.min(limit.rows, batchRows - (done % batchRows), span - done)
          : sequences.batchAt(own, done, limit.rows);
      await bisectRows(placed + done, count, runRows, onGuilty, onHalved);
      done += count;
    }
    start += span;
    placed += scored;
  }
  const built = columns.columns();
  return {
    columns: sequences === null ? built : inRowOrder(built, order.subarray(0, placed), rows),
    rejects,
    batches,
    halvedTo: limit.rows < batchRows ? limit.rows : null,
  };
}

/** The first padded batches, then always fewer: what padding changes may not show in the first rows. */
function isProved(padded: number): boolean {
  return padded <= 4 || Number.isInteger(Math.log2(padded));
}
