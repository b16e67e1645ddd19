import type { RejectReason } from '../../base/contract/binding.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import type { TableWriter } from '../../data/duckdb/table-writer.ts';
import { FeaturePacker } from '../tensor/feature-packer.ts';
import { RejectCodes } from '../tensor/reject-codes.ts';
import { StringDictionary } from '../tensor/string-dictionary.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { Slab } from '../thread/slab-ring.ts';
import type { BoundRun } from './bound-run.ts';
import type { ReadableSlice } from './readable-chunk.ts';
import { rowSources } from './row-sources.ts';
import { markRejects, newWalk, openPredictions, predictionRows } from './scored-rows.ts';

/** The prediction table of a chunk: exactly one row per input row, in input order. */
export interface ScoredChunk {
  readonly table: string;
  readonly codes: RejectCodes;
  readonly rowsIn: number;
  readonly rowsScored: number;
  readonly rowsRejected: number;
  readonly rejectsByRule: Readonly<Record<string, number>>;
  readonly decodeMs: number;
  readonly scoreMs: number;
  readonly runMs: number;
  readonly batches: number;
  readonly halvedTo: number | null;
}

export interface ScoreOptions {
  readonly ort: InferenceThreads;
  /** Called when all rows are decoded and packed: the next chunk may start. */
  readonly onDecoded: () => void;
  readonly onRows: (rows: number) => void;
  /** Told of each slab when its rows are scored and those that were rejected are marked. Owns: the slab stays the ring's. */
  readonly onScored?: ((slab: Slab, rows: number, texts: readonly string[]) => void) | undefined;
}

/**
 * Decodes, packs and scores the rows of a chunk into a DuckDB table. Slab k is scored while k+1 is packed and k-1 is
 * appended; batch boundaries are counted from the chunk's first row across its slices.
 */
export async function scoreChunk(
  run: BoundRun,
  slices: readonly ReadableSlice[],
  duck: Duck,
  writeDuck: Duck,
  table: string,
  options: ScoreOptions,
): Promise<ScoredChunk> {
  const walk = new ChunkWalk(run, options);
  const writer = await openPredictions(writeDuck, table, run);
  try {
    await walk.run(duck, writer, slices);
  } finally {
    await walk.settle();
    writer.close();
  }
  return walk.result(table);
}

class ChunkWalk {
  private readonly bound: BoundRun;
  private readonly options: ScoreOptions;
  private readonly walk = newWalk();
  private readonly codes = new RejectCodes();
  private readonly dictionary = new StringDictionary();
  private readonly rejectsByRule: Record<string, number> = {};
  private appended: Promise<void> = Promise.resolve();
  private failure: unknown = null;
  private slab: Slab | null = null;
  private filled = 0;
  private rowsIn = 0;
  private rowsRejected = 0;
  private scoreMs = 0;
  private runMs = 0;
  private halvedTo: number | null = null;
  private waitMs = 0;
  private decodeMs = 0;
  private batches = 0;

  constructor(bound: BoundRun, options: ScoreOptions) {
    this.bound = bound;
    this.options = options;
  }

  async run(duck: Duck, writer: TableWriter, slices: readonly ReadableSlice[]): Promise<void> {
    const started = performance.now();
    for (const source of rowSources(this.bound, duck, slices)) {
      const { columns, faults } = source;
      const packer = new FeaturePacker(this.bound.context.binding, columns, this.codes, this.dictionary);
      for await (const batch of source.batches) {
        for (let from = 0; from < batch.rows; ) {
          this.slab ??= await this.nextSlab();
          const { slab } = this;
          const free = Math.min(batch.rows - from, this.bound.layout.rows - this.filled);
          const count = packer.room(batch, from, free, slab.feeds, this.filled);
          if (count === 0) {
            this.submit(writer);
            continue;
          }
          // First, so that the reason is not that the value came as a null.
          if (faults.length > 0) {
            const found = source.faultsOf(batch).subarray(from, from + count);
            this.markFaults(found, faults, slab.feeds.codes.subarray(this.filled));
          }
          packer.pack(batch, from, count, slab.feeds, this.filled);
          source.place(batch, from, count, slab.positions, this.filled);
          from += count;
          this.filled += count;
          if (this.filled === this.bound.layout.rows) this.submit(writer);
        }
        if (this.failure !== null) throw this.failure;
      }
    }
    if (this.filled > 0) this.submit(writer);
    this.decodeMs = performance.now() - started - this.waitMs;
    this.options.onDecoded();
    await this.appended;
    if (this.failure !== null) throw this.failure;
  }

  /** Waits for slabs in flight after a failure, so that the ring is whole again. */
  async settle(): Promise<void> {
    await this.appended;
    this.options.ort.forget(this.walk);
    if (this.slab !== null) this.bound.ring.release(this.slab);
    this.slab = null;
  }

  result(table: string): ScoredChunk {
    const { codes, rowsIn, rowsRejected, rejectsByRule, decodeMs, scoreMs, runMs, batches, halvedTo } = this;
    return {
      table,
      codes,
      rowsIn,
      rowsScored: rowsIn - rowsRejected,
      rowsRejected,
      rejectsByRule,
      decodeMs,
      scoreMs,
      runMs,
      batches,
      halvedTo,
    };
  }

  private markFaults(found: Int32Array, faults: readonly RejectReason[], codes: Uint16Array): void {
    found.forEach((number, row) => {
      if (number === 0) return;
      const { rule, column, message } = faults[number - 1]!;
      codes[row] = this.codes.codeOf(rule, column, message);
    });
  }

  private async nextSlab(): Promise<Slab> {
    const started = performance.now();
    const slab = await this.bound.ring.acquire();
    this.waitMs += performance.now() - started;
    return slab;
  }

  private submit(writer: TableWriter): void {
    const slab = this.slab!;
    const rows = this.filled;
    this.slab = null;
    this.filled = 0;
    const scored = this.options.ort.score({
      bindingId: this.bound.bindingId,
      buffer: slab.buffer,
      spans: [rows],
      walk: this.walk,
      texts: this.dictionary.texts,
    });
    // A later slab may fail before an earlier one is done; it is awaited in its turn.
    scored.catch(() => undefined);
    this.appended = this.appended.then(async () => {
      try {
        const result = await scored;
        if (this.failure === null) this.append(writer, slab, rows, result);
      } catch (error) {
        this.failure ??= error;
      } finally {
        this.bound.ring.release(slab);
      }
    });
  }

  private append(
    writer: TableWriter,
    slab: Slab,
    rows: number,
    result: Awaited<ReturnType<InferenceThreads['score']>>,
  ): void {
    markRejects(slab, result, this.codes);
    const { codes } = slab.feeds;
    for (let i = 0; i < rows; i++) {
      if (codes[i] === 0) continue;
      const rule = this.codes.reasonOf(codes[i]!)?.rule ?? 'model_error';
      this.rejectsByRule[rule] = (this.rejectsByRule[rule] ?? 0) + 1;
      this.rowsRejected++;
    }
    writer.append(predictionRows(slab, result, rows, this.bound), rows);
    this.options.onScored?.(slab, rows, this.dictionary.texts);
    this.rowsIn += rows;
    this.scoreMs += result.scoreMs;
    this.runMs += result.runMs;
    this.halvedTo = result.halvedTo ?? this.halvedTo;
    this.batches += result.batches;
    this.options.onRows(rows);
  }
}
