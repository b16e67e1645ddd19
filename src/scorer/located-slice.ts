import type { Duck } from '../columnar/duckdb.ts';
import type { LocalSlice } from '../columnar/write-part.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import type { FooterCache } from './footer-cache.ts';

/** What bringing a chunk's rows to this machine needs. */
export interface LocalizeOptions {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly scratchDir: string;
  readonly footers: FooterCache;
  /** For the conversion of Arrow record batches, in bytes. */
  readonly arrowMemoryBytes: number;
  /** Top-level columns that are read at all. */
  readonly columns: ReadonlySet<string>;
}

/** A slice on this machine. */
export interface Located {
  readonly slice: LocalSlice;
  readonly bytesRead: number;
}
