import type { Binding } from '../../base/contract/binding.ts';
import { exactLayout, lengthViews, usualSteps } from '../tensor/slab-layout.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { ProbeResult } from './messages.ts';

const LEAST_ROWS = 1024;
const RUNS = 3;
/** A batch twice as large must be this much faster: near the best, a smaller one costs less memory and overlaps better. */
const WORTH = 1.1;
const LONGEST_MS = 2000;
/** Sizes that may be no faster before the trial ends: one can be so because somebody else had the core. */
const MOST_MISSES = 3;
/** A batch that takes longer is looked at for speed too: convolutions are faster in small ones, and threads share a table of few slow rows. */
const QUICK_MS = 250;

/** The size to use, and what was tried to find it. */
export type FoundBatch = Pick<ProbeResult, 'batchRows' | 'tried'>;

/** One size, tried: rows a second of its best run; null when memory was short for it, or the model refused it. */
export type TrySize = (rows: number) => Promise<number | null>;

/**
 * Finds the batch of a GPU: sizes double from 1,024 rows to `most` until twice the rows are no longer a tenth faster, memory
 * is short, or a batch takes two seconds. What it finds depends on the clock, so the plan keeps it.
 */
export async function chooseBatch(most: number, trySize: TrySize): Promise<FoundBatch> {
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
 * Finds the batch of a CPU: `most` rows where so many fit `budgetBytes` by what a few rows took, and are quick; else sizes double from 8 rows until more rows
 * are no longer a tenth faster three times, would not fit, or a batch takes two seconds. Memory of a batch is what the process grows by, divided by its
 * rows. What it finds depends on the clock, so the plan keeps it.
 */
export async function chooseCpuBatch(
  most: number,
  budgetBytes: number,
  tryRows: (rows: number) => Promise<TriedBatch>,
): Promise<FoundBatch> {
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
    // A few rows say little of the time of many.
    const isQuick = (ms / rows) * most < (rows < FIRST_ROWS ? LONGEST_MS : QUICK_MS);
    if (isQuick && rows >= Math.min(FIRST_ROWS, most) && fits(most)) return { batchRows: most, tried: [] };
    if (!isQuick || rows === most || !fits(Math.min(most, STEP * rows), UNSURE)) break;
  }
  const tried: { rows: number; rowsPerSecond: number }[] = [];
  let [best, fastest, misses] = [1, 0, 0];
  for (let rows = few; rows <= most && fits(rows) && misses < MOST_MISSES; rows *= 2) {
    const ms = await measured(rows);
    const rowsPerSecond = rows / (ms / 1000);
    tried.push({ rows, rowsPerSecond: Math.round(rowsPerSecond) });
    if (rowsPerSecond < fastest * WORTH) misses++;
    else [best, fastest, misses] = [rows, rowsPerSecond, 0];
    if (ms > LONGEST_MS) break;
  }
  return { batchRows: best, tried };
}

/** A batch of sequences of usual length that could not be tried. */
const UNTRIED_ROWS = 32;

/** Walks of chunks count from 1. */
const NO_WALK = 0;

/**
 * Finds the batch of the model that is loaded, with rows of zeros: on a GPU by speed alone, on a CPU within `budgetBytes`. A model may
 * refuse zeros and take the rows of a job: that is told, and ends the trial, because refused rows run one by one and their time
 * says nothing of a batch.
 *
 * Errors: those of scoring.
 */
export async function probeBatch(
  ort: InferenceThreads,
  binding: Binding,
  most: number,
  budgetBytes: number,
): Promise<ProbeResult> {
  const zeros = new ZeroRows(ort, binding);
  const found =
    ort.device === null
      ? await zeros.cpuBatch(most, budgetBytes)
      : await chooseBatch(most, (rows) => zeros.speed(rows));
  return { ...found, refused: zeros.refused, isCopying: ort.isCopying };
}

/** Batches of zeros on a model. */
class ZeroRows {
  /** Why the model refuses such rows; null while it takes them. */
  refused: string | null = null;
  private readonly ort: InferenceThreads;
  private readonly binding: Binding;

  constructor(ort: InferenceThreads, binding: Binding) {
    this.ort = ort;
    this.binding = binding;
  }

  async speed(rows: number): Promise<number | null> {
    const ms = await this.run(rows, RUNS);
    if (ms === null) return null;
    return ms === Number.POSITIVE_INFINITY ? 0 : rows / (ms / 1000);
  }

  async cpuBatch(most: number, budgetBytes: number): Promise<FoundBatch> {
    const found = await chooseCpuBatch(most, budgetBytes, async (rows) => {
      const ms = this.refused === null ? await this.run(rows, 2) : 0;
      return { ms: ms ?? Number.POSITIVE_INFINITY, peakBytes: process.resourceUsage().maxRSS * 1024 };
    });
    if (this.refused === null) return found;
    // What rows of any length take is not known from their bytes: an encoder makes a thousand times as much of a token.
    return { batchRows: this.binding.lengths === undefined ? most : Math.min(most, UNTRIED_ROWS), tried: [] };
  }

  /** Milliseconds of the best of `runs` runs, the first of which takes memory and chooses kernels; null when memory was short or rows were refused. */
  private async run(rows: number, runs: number): Promise<number | null> {
    const { ort, binding } = this;
    const layout = exactLayout(binding, rows);
    const bindingId = ort.bind({ binding, batchRows: rows, mostRows: rows, layout });
    const buffer = new SharedArrayBuffer(layout.bytes);
    for (const [n, steps] of lengthViews(layout, buffer).entries()) steps.fill(usualSteps(binding, n));
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < runs; run++) {
      const scored = await ort.score({ bindingId, buffer, spans: [rows], walk: NO_WALK, texts: [''] });
      this.refused ??= scored.rejects.find((reject) => reject.rule === 'model_error')?.message ?? null;
      if (scored.halvedTo !== null || this.refused !== null) return null;
      if (run > 0) best = Math.min(best, scored.runMs);
      if (scored.runMs > LONGEST_MS) return Math.min(best, scored.runMs);
    }
    return best;
  }
}
