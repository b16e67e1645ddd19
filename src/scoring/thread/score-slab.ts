import type { Binding, BoundConstant, BoundInput } from '../../base/contract/binding.ts';
import { type ElementArray, elementView, type TensorValue } from '../../model/elements/elements.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { constantTensor } from '../tensor/constant-tensor.ts';
import { FetchColumns, type PredictionColumn } from '../tensor/fetch-columns.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';
import { bisectRows } from './bisect-rows.ts';
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
  readonly onBatch: (isBusy: boolean) => void;
}

/**
 * Scores a slab batch by batch. `spans`: the lengths of its runs of rows, one unless small chunks share the slab. Boundaries
 * are multiples of `batchRows` from a run's first row, so they are the same on every attempt. A batch for which memory is short is halved, and so are all later ones. A batch that fails otherwise is bisected down to its guilty rows, which become rejects.
 *
 * Errors: MODEL_OUTPUT_SHAPE; MODEL_FAILED when single rows already want more memory than there is. Owns: the slab stays the caller's; columns are handed over.
 */
export async function scoreSlab(
  session: ModelSession,
  scorer: SlabScorer,
  buffer: ArrayBufferLike,
  spans: readonly number[],
): Promise<SlabScore> {
  const { binding, layout, batchRows } = scorer;
  const rows = spans.reduce((sum, span) => sum + span, 0);
  const fetches = [...new Set(binding.outputs.map((o) => o.tensor))];
  const columns = new FetchColumns(binding.outputs, rows);
  const rejects: OutputReject[] = [];
  let batches = 0;

  const runRows = async (from: number, count: number): Promise<void> => {
    const batch = binding.fixedBatch ?? count;
    const feeds = new Map<string, TensorValue>();
    binding.inputs.forEach((input, i) => {
      feeds.set(
        input.tensor,
        feedOf(input, layout.inputs[i] ?? null, buffer, layout.rows, from, count, batch, scorer.texts),
      );
    });
    scorer.onBatch(true);
    const fetched = await session.run(feeds, fetches).finally(() => scorer.onBatch(false));
    batches++;
    const seen = new Set<number>();
    columns.add(fetched, from, count, batch, (row, column, message) => {
      if (seen.has(row)) return;
      seen.add(row);
      rejects.push({ row: from + row, rule: 'bad_output', column, message });
    });
  };

  const onGuilty = (row: number, message: string): void => {
    rejects.push({ row, rule: 'model_error', column: '', message });
  };

  const { limit } = scorer;
  const onHalved = (fits: number): void => {
    limit.rows = Math.min(limit.rows, fits);
  };
  let start = 0;
  for (const span of spans) {
    for (let done = 0; done < span; ) {
      const count = Math.min(limit.rows, batchRows - (done % batchRows), span - done);
      await bisectRows(start + done, count, runRows, onGuilty, onHalved);
      done += count;
    }
    start += span;
  }
  return { columns: columns.columns(), rejects, batches, halvedTo: limit.rows < batchRows ? limit.rows : null };
}

function feedOf(
  input: BoundInput,
  place: { readonly offset: number; readonly width: number } | null,
  buffer: ArrayBufferLike,
  slabRows: number,
  from: number,
  count: number,
  batch: number,
  texts: readonly string[],
): TensorValue {
  if (input.kind === 'constant' || place === null) return constantTensor(input as BoundConstant, batch);
  const { width } = place;
  const all = elementView(input.type, buffer, place.offset, slabRows * width);
  const dims = [batch, ...input.tail];
  const rows = all.subarray(from * width, (from + count) * width);
  const data = batch === count ? rows : padded(rows, count, batch, width);
  if (input.type !== 'string') return { type: input.type, dims, data };
  return { type: 'string', dims, data: Array.from(data as Uint32Array, (code) => texts[code] ?? '') };
}

// A short batch of a fixed-batch model is filled with copies of its last row: always a row the model accepts.
function padded(rows: ElementArray, count: number, batch: number, width: number): ElementArray {
  const out = new (rows.constructor as new (n: number) => Uint8Array)(batch * width);
  out.set(rows as Uint8Array, 0);
  for (let row = count; row < batch; row++) out.set(rows.subarray((count - 1) * width) as Uint8Array, row * width);
  return out;
}
