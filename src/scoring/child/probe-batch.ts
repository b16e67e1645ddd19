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

/** What a batch of so many rows of zeros takes: of the best of a few runs, and how far the process has grown so far. */
export interface TriedBatch {
  readonly ms: number;
  readonly peakBytes: number;
}

/** Most models show at the first size tried that any batch fits, and are not tried further. */
const FIRST_ROWS = 64;
const SMALLEST_ROWS = 8;
/** The process grows by this much for other reasons. */
const NOISE_BYTES = 4 * 1024 * 1024;
/** The budget is half of what is left: what seems to take twice as much may be tried. */
const UNSURE = 2;
const STEP = 8;

/**
 * Finds the batch of a CPU: `most` rows where so many fit `budgetBytes` by what a few rows took; else sizes double from 8 rows until twice the rows
 * are no longer a tenth faster, would not fit, or a batch takes two seconds. Memory of a batch is what the process grows by, divided by its
 * rows. What it finds depends on the clock, so the plan keeps it.
 */
export async function chooseCpuBatch(
  most: number,
  budgetBytes: number,
  tryRows: (rows: number) => Promise<TriedBatch>,
): Promise<ProbeResult> {
  const { peakBytes: before } = await tryRows(1);
  let peak = before;
  let perRow = 0;
  const measured = async (rows: number): Promise<number> => {
    const { ms, peakBytes } = await tryRows(rows);
    // The peak only grows: what is under it already tells nothing.
    if (peakBytes > peak) perRow = Math.max(0, peakBytes - before - NOISE_BYTES) / rows;
    peak = Math.max(peak, peakBytes);
    return ms;
  };
  const fits = (rows: number, times = 1): boolean => perRow * rows <= times * budgetBytes;
  const few = Math.min(SMALLEST_ROWS, most);
  // The more rows, the less it says that the process grows for other reasons as well.
  for (let rows = few; ; rows = Math.min(most, STEP * rows)) {
    const ms = await measured(rows);
    const isQuick = (ms / rows) * most < LONGEST_MS;
    if (isQuick && rows >= Math.min(FIRST_ROWS, most) && fits(most)) return { batchRows: most, tried: [] };
    if (!isQuick || rows === most || !fits(Math.min(most, STEP * rows), UNSURE)) break;
  }
  const tried: { rows: number; rowsPerSecond: number }[] = [];
  let [best, fastest] = [1, 0];
  for (let rows = few; rows <= most && fits(rows); rows *= 2) {
    const ms = await measured(rows);
    const rowsPerSecond = rows / (ms / 1000);
    tried.push({ rows, rowsPerSecond: Math.round(rowsPerSecond) });
    if (rowsPerSecond < fastest * WORTH) break;
    [best, fastest] = [rows, rowsPerSecond];
    if (ms > LONGEST_MS) break;
  }
  return { batchRows: best, tried };
}

/** Walks of chunks count from 1. */
const NO_WALK = 0;

/**
 * Finds the batch of the model that is loaded, with rows of zeros: on a GPU by speed alone, on a CPU within `budgetBytes`.
 *
 * Errors: those of scoring.
 */
export function probeBatch(
  ort: InferenceThreads,
  binding: Binding,
  most: number,
  budgetBytes: number,
): Promise<ProbeResult> {
  if (ort.device !== null)
    return chooseBatch(most, async (rows) => speedOf(rows, await runZeros(ort, binding, rows, RUNS)));
  return chooseCpuBatch(most, budgetBytes, async (rows) => {
    const ms = (await runZeros(ort, binding, rows, 2)) ?? Number.POSITIVE_INFINITY;
    return { ms, peakBytes: process.resourceUsage().maxRSS * 1024 };
  });
}

function speedOf(rows: number, ms: number | null): number | null {
  if (ms === null) return null;
  return ms === Number.POSITIVE_INFINITY ? 0 : rows / (ms / 1000);
}

/** Milliseconds of the best of `runs` runs, the first of which takes memory and chooses kernels; null when memory was short. */
async function runZeros(ort: InferenceThreads, binding: Binding, rows: number, runs: number): Promise<number | null> {
  const layout = exactLayout(binding, rows);
  const bindingId = ort.bind({ binding, batchRows: rows, mostRows: rows, layout });
  const buffer = new SharedArrayBuffer(layout.bytes);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const scored = await ort.score({ bindingId, buffer, spans: [rows], walk: NO_WALK, texts: [''] });
    if (scored.halvedTo !== null) return null;
    if (run > 0) best = Math.min(best, scored.runMs);
    if (scored.runMs > LONGEST_MS) return Math.min(best, scored.runMs);
  }
  return best;
}
