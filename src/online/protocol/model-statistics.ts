import type { InferResult } from './wire.ts';

/** A count and a total time, as the statistics extension gives them. */
export interface DurationStat {
  readonly count: number;
  readonly ns: number;
}

export interface BatchStat {
  readonly batch_size: number;
  readonly compute_input: DurationStat;
  readonly compute_infer: DurationStat;
  readonly compute_output: DurationStat;
}

/** One entry of `model_stats`; the names are the protocol's. */
export interface ModelStat {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 when nothing was asked yet. */
  readonly last_inference: number;
  /** Rows, not requests. */
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: DurationStat;
    readonly fail: DurationStat;
    readonly queue: DurationStat;
    readonly compute_input: DurationStat;
    readonly compute_infer: DurationStat;
    readonly compute_output: DurationStat;
    readonly cache_hit: DurationStat;
    readonly cache_miss: DurationStat;
  };
  readonly batch_stats: readonly BatchStat[];
}

class Sum {
  private count = 0;
  private ms = 0;

  add(ms: number, count = 1): void {
    this.count += count;
    this.ms += ms;
  }

  read(): DurationStat {
    return { count: Math.round(this.count), ns: Math.round(this.ms * 1e6) };
  }
}

const NONE: DurationStat = { count: 0, ns: 0 };

/**
 * What one version of a model was asked since the server started. A request that was scored together with others counts as
 * its share of the batch, so that executions add up to batches although nobody here sees a batch as a whole.
 */
export class ModelStatistics {
  private lastMs = 0;
  private rows = 0;
  private executions = 0;
  private readonly success = new Sum();
  private readonly fail = new Sum();
  private readonly queue = new Sum();
  private readonly compute = new Sum();
  private readonly batches = new Map<number, Sum>();

  answered({ rows, queueMs, computeMs, batchRows }: InferResult, totalMs: number): void {
    this.lastMs = Date.now();
    this.rows += rows;
    this.success.add(totalMs);
    this.queue.add(queueMs);
    this.compute.add(computeMs);
    if (batchRows === 0) return;
    const share = rows / batchRows;
    this.executions += share;
    let batch = this.batches.get(batchRows);
    if (batch === undefined) {
      batch = new Sum();
      this.batches.set(batchRows, batch);
    }
    batch.add(computeMs * share, share);
  }

  failed(totalMs: number): void {
    this.lastMs = Date.now();
    this.fail.add(totalMs);
  }

  read(name: string, version: string | null): ModelStat {
    return {
      name,
      version: version ?? '',
      last_inference: this.lastMs,
      inference_count: this.rows,
      execution_count: Math.round(this.executions),
      inference_stats: {
        success: this.success.read(),
        fail: this.fail.read(),
        queue: this.queue.read(),
        compute_input: NONE,
        compute_infer: this.compute.read(),
        compute_output: NONE,
        cache_hit: NONE,
        cache_miss: NONE,
      },
      batch_stats: [...this.batches]
        .sort(([a], [b]) => a - b)
        .map(([size, sum]) => ({
          batch_size: size,
          compute_input: NONE,
          compute_infer: sum.read(),
          compute_output: NONE,
        })),
    };
  }
}
