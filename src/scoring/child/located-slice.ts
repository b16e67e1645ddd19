import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import type { LocalSlice } from '../../data/duckdb/local-slice.ts';
import type { RowGroupFault } from '../../data/parquet/check-pages.ts';
import type { ParquetFooter } from '../../data/parquet/parquet-footer.ts';
import type { FooterCache } from './footer-cache.ts';
import type { ScratchFiles } from './scratch-files.ts';
import type { Turnstile } from './turnstile.ts';

/** What bringing a chunk's rows to this machine needs. */
export interface LocalizeOptions {
  readonly stores: StoreResolver;
  readonly duck: Duck;
  readonly scratch: ScratchFiles;
  readonly footers: FooterCache;
  /** For the conversion of Arrow record batches, in bytes. */
  readonly arrowMemoryBytes: number;
  readonly converting: Turnstile;
  /** Top-level columns that are read at all. */
  readonly columns: ReadonlySet<string>;
  /** Those of them that are copied to the output. */
  readonly kept: ReadonlySet<string>;
  /** For the text of one packed file, in bytes. */
  readonly scratchBytes: number;
  /** Rows of a text file at most, for a sample; all when left out. */
  readonly maxRows?: number;
}

/** A slice on this machine. */
export interface Located {
  readonly slice: LocalSlice;
  readonly bytesRead: number;
  /** Milliseconds in which it was rewritten to Parquet. */
  readonly convertMs: number;
  /** Of a Parquet file; null for one that prescore wrote itself. */
  readonly footer: ParquetFooter | null;
  /** Row groups of the slice that are damaged in a way that DuckDB would not notice. */
  readonly faults: readonly RowGroupFault[];
}
