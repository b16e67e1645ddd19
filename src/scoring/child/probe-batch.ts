import type { Binding } from '../../base/contract/binding.ts';
import { exactLayout } from '../tensor/slab-layout.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { ProbeResult } from './messages.ts';

const LEAST_ROWS = 1024;
const RUNS = 3;
/** A batch twice as large must be this much faster: near the best, a smaller one costs less memory and overlaps better. */
const WORTH = 1.1;
const LONGEST_MS = 2000;

/** One size, tried: rows a second of its best run; null when memory was short for it. */
export type TrySize = (rows: number) => Promise<number | null>;

/**
 * Finds the batch of a GPU: sizes double from 1,024 rows to `most` until twice the rows are no longer a tenth faster, memory
 * is short, or a batch takes two seconds. What it finds depends on the clock, so the plan keeps it.
 */
export async function chooseBatch(most: number, trySize: TrySize): Promise<ProbeResult> {
  const tried: { rows: number; rowsPerSecond: number }[] = [];
  let best = Math.min(LEAST_ROWS, most);
  let fastest = 0;
  for (let rows = best; rows <= most; rows *= 2) {
    const rowsPerSecond = await trySize(rows);
    if (rowsPerSecond === null) break;
    tried.push({ rows, rowsPerSecond: Math.round(rowsPerSecond) });
    if (rowsPerSecond < fastest * WORTH) break;
    [best, fastest] = [rows, rowsPerSecond];
    if ((rows / rowsPerSecond) * 1000 > LONGEST_MS) break;
  }
  return { batchRows: best, tried };
}

/** Walks of chunks count from 1. */
const NO_WALK = 0;

/** `chooseBatch` with rows of zeros on the model that is loaded. Errors: those of scoring. */
export function probeBatch(ort: InferenceThreads, binding: Binding, most: number): Promise<ProbeResult> {
  return chooseBatch(most, async (rows) => {
    const layout = exactLayout(binding, rows);
    const bindingId = ort.bind({ binding, batchRows: rows, layout });
    const buffer = new SharedArrayBuffer(layout.bytes);
    let bestMs = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      const scored = await ort.score({ bindingId, buffer, spans: [rows], walk: NO_WALK, texts: [''] });
      if (scored.halvedTo !== null) return null;
      // The first run takes memory and chooses kernels.
      if (run > 0) bestMs = Math.min(bestMs, scored.runMs);
      if (scored.runMs > LONGEST_MS) break;
    }
    return bestMs === Number.POSITIVE_INFINITY ? 0 : rows / (bestMs / 1000);
  });
}
