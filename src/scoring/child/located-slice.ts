import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import type { LocalSlice } from '../../data/duckdb/local-slice.ts';
import type { RowGroupFault } from '../../data/parquet/check-pages.ts';
import type { ParquetFooter } from '../../data/parquet/parquet-footer.ts';
import type { FooterCache } from './footer-cache.ts';
import type { ScratchFiles } from './scratch-files.ts';
import type { Turnstile } from './turnstile.ts';

/** Kept columns of a chunk that are joined to one file (`joinKept`) have so many bytes at most: they are in memory for a moment. */
export const MOST_JOINED_BYTES = 16 * 1024 * 1024;

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
  /** Feature columns, which are read without DuckDB where they can be (`FlatColumn`), of at most so many bytes a row group; none when left out. */
  readonly flat?: { readonly columns: readonly string[]; readonly mostBytes: number };
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
  /** Where its feature columns are read without DuckDB. Its pages are checked then as they are read. */
  readonly flat?: FlatFile;
  /** Row groups of the slice that are damaged in a way that DuckDB would not notice. */
  readonly faults: readonly RowGroupFault[];
}

/** A file whose feature columns `FlatColumn` reads. */
export interface FlatFile {
  /** Of the columns, in their order. */
  readonly leaves: readonly number[];
  /** Where its bytes are on this machine, in their places. */
  readonly path: string;
  /** All bytes of the file, where they are in memory anyway. */
  readonly whole: Uint8Array | null;
}
