import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { decodeTogether, extraIndex } from '../../data/duckdb/decode-slice.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import type { LocalSlice } from '../../data/duckdb/local-slice.ts';
import { FeaturePacker } from '../tensor/feature-packer.ts';
import { RejectCodes } from '../tensor/reject-codes.ts';
import { StringDictionary } from '../tensor/string-dictionary.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { Slab } from '../thread/slab-ring.ts';
import { type BoundRun, decodedColumns } from './bound-run.ts';
import { markRejects, newWalk, openPredictions, predictionRows } from './scored-rows.ts';

/** A small chunk of several that share a slab. */
export interface SmallChunk {
  readonly slices: readonly LocalSlice[];
  readonly rows: number;
}

export interface ScoredTogether {
  /** For each chunk whether a row of it was rejected. */
  readonly hasRejects: readonly boolean[];
  readonly decodeMs: number;
  readonly scoreMs: number;
  readonly runMs: number;
  readonly halvedTo: number | null;
}

/**
 * Decodes small chunks in one query into one slab, scores each in batches of its own, and appends all rows to one prediction
 * table: the same predictions as of each by itself. `file`: one of the files, all of which have the same feature columns.
 *
 * Errors: whatever happens to one of them; then nothing is known of the others.
 */
export async function scoreTogether(
  run: BoundRun,
  chunks: readonly SmallChunk[],
  file: number,
  { reader, lane }: { readonly reader: Duck; readonly lane: Duck },
  table: string,
  { ort, onDecoded }: { readonly ort: InferenceThreads; readonly onDecoded: () => void },
): Promise<ScoredTogether> {
  const started = performance.now();
  const [codes, dictionary, walk] = [new RejectCodes(), new StringDictionary(), newWalk()];
  const slab = await run.ring.acquire();
  try {
    await fillSlab(run, chunks, file, reader, slab, codes, dictionary);
    const decodeMs = performance.now() - started;
    onDecoded();
    const spans = chunks.map((c) => c.rows);
    const rows = sum(spans);
    const { bindingId } = run;
    const scored = await ort.score({ bindingId, buffer: slab.buffer, spans, walk, texts: dictionary.texts });
    markRejects(slab, scored, codes);
    const writer = await openPredictions(lane, table, run);
    try {
      writer.append(predictionRows(slab, scored, rows, run), rows);
    } finally {
      writer.close();
    }
    let end = 0;
    const hasRejects = spans.map((span) => {
      end += span;
      return slab.feeds.codes.subarray(end - span, end).some((code) => code !== 0);
    });
    const { scoreMs, runMs, halvedTo } = scored;
    return { hasRejects, decodeMs, scoreMs, runMs, halvedTo };
  } finally {
    ort.forget(walk);
    run.ring.release(slab);
  }
}

async function fillSlab(
  run: BoundRun,
  chunks: readonly SmallChunk[],
  file: number,
  reader: Duck,
  slab: Slab,
  codes: RejectCodes,
  dictionary: StringDictionary,
): Promise<void> {
  const columns = decodedColumns(run, file);
  const packer = new FeaturePacker(run.context.binding, columns, codes, dictionary);
  const slices = chunks.flatMap((c) => c.slices);
  const expected = sum(chunks.map((c) => c.rows));
  let filled = 0;
  for await (const batch of decodeTogether(reader, slices, columns)) {
    if (filled + batch.rows > expected) throw otherRows(expected, filled + batch.rows);
    packer.pack(batch, 0, batch.rows, slab.feeds, filled);
    slab.positions.set(batch.column(extraIndex(columns)).words64(), filled * 2);
    filled += batch.rows;
  }
  if (filled !== expected) throw otherRows(expected, filled);
}

function otherRows(expected: number, got: number): PrescoreError {
  const what = 'files give another number of rows than their footers say';
  return new PrescoreError('INPUT_CORRUPT', { what, expected: `${expected}`, got: `${got}` });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, n) => all + n, 0);
}
