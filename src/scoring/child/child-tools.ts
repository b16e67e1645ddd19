import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import type { InferenceThreads } from '../thread/inference-threads.ts';
import type { FooterCache } from './footer-cache.ts';
import type { ScratchFiles } from './scratch-files.ts';
import type { Turnstile } from './turnstile.ts';

/** What a child owns while it lives. */
export interface ChildTools {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly ort: InferenceThreads;
  readonly scratchDir: string;
  /** For the text of one packed file, in bytes. */
  readonly scratchBytes: number;
  readonly scratch: ScratchFiles;
  readonly footers: FooterCache;
  readonly arrowMemoryBytes: number;
  /** Passed by a chunk while it is decoded: two at a time took more memory for no time (docs/decisions/scorers.md). */
  readonly decoding: Turnstile;
  /** Passed by a slice of Arrow or text while it is converted, which may take all of `arrowMemoryBytes`. */
  readonly converting: Turnstile;
}
