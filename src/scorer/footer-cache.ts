import type { ByteSource } from '../columnar/byte-source.ts';
import { type ParquetFooter, readParquetFooter } from '../columnar/parquet-footer.ts';

const KEPT = 4;

/**
 * Footers of the files that chunks were cut from last: a big file is many chunks, and its footer is fetched and parsed once
 * per child. Keyed by URI and version, so a replaced file is never mistaken for the pinned one.
 */
export class FooterCache {
  private readonly kept = new Map<string, Promise<ParquetFooter>>();

  read(source: ByteSource, uri: string, etag: string): Promise<ParquetFooter> {
    const key = `${etag} ${uri}`;
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const footer = readParquetFooter(source, uri);
    this.kept.set(key, footer);
    footer.catch(() => this.kept.delete(key));
    const oldest = this.kept.keys().next().value;
    if (this.kept.size > KEPT && oldest !== undefined) this.kept.delete(oldest);
    return footer;
  }
}
