import type { Duck } from '../columnar/duckdb.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import type { FooterCache } from './footer-cache.ts';
import type { InferenceThreads } from './inference-threads.ts';

/** What a child owns while it lives. */
export interface ChildTools {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly ort: InferenceThreads;
  readonly scratchDir: string;
  readonly footers: FooterCache;
  readonly arrowMemoryBytes: number;
  /** Held while a chunk is decoded: slabs of two chunks never interleave. */
  readonly decoding: { run<T>(task: (done: () => void) => Promise<T>): Promise<T> };
}
