import type { ByteSource } from '../../data/object-store/byte-source.ts';
import { type ParquetFooter, readParquetFooter } from '../../data/parquet/parquet-footer.ts';

const KEPT = 4;
const KEPT_BYTES = 8 * 1024 * 1024;
const LARGE_BYTES = 256 * 1024;
const DUCK_BYTES = 4 * 1024 * 1024;

/**
 * Footers of the files that chunks were cut from last: a big file is many chunks, and its footer is fetched and parsed once
 * per child. Keyed by URI and version, so a replaced file is never mistaken for the pinned one.
 *
 * DuckDB keeps what it parsed as well, but for ever and 11 bytes for one (measured): `onFull` is called once, when footers of
 * 4 MiB have been read, so that it can be told to keep no more.
 */
export class FooterCache {
  private readonly kept = new Map<string, { footer: Promise<ParquetFooter>; bytes: number; isCounted: boolean }>();
  private readonly onFull: () => Promise<void>;
  private seenBytes = 0;

  constructor(onFull: () => Promise<void>) {
    this.onFull = onFull;
  }

  /** Whether DuckDB is to keep no more footers. */
  get isFull(): boolean {
    return this.seenBytes > DUCK_BYTES;
  }

  /** Keeps a footer that was read for the plan, where it takes longer to read than to keep: its chunks come next. */
  keepLarge(uri: string, etag: string, footer: ParquetFooter): void {
    const bytes = footer.tail.length;
    const key = `${etag} ${uri}`;
    if (bytes < LARGE_BYTES || bytes > KEPT_BYTES || this.kept.has(key)) return;
    this.kept.set(key, { footer: Promise.resolve(footer), bytes, isCounted: false });
    this.dropOldest(KEPT);
    while (this.bytes > KEPT_BYTES) this.dropOldest(this.kept.size - 1);
  }

  read(source: ByteSource, uri: string, etag: string): Promise<ParquetFooter> {
    const key = `${etag} ${uri}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      if (!known.isCounted) known.footer = this.counted(known.footer, known.bytes);
      known.isCounted = true;
      return known.footer;
    }
    const entry = { footer: this.readNew(source, uri, key), bytes: 0, isCounted: true };
    this.kept.set(key, entry);
    entry.footer.catch(() => this.kept.delete(key));
    this.dropOldest(KEPT);
    return entry.footer;
  }

  private async readNew(source: ByteSource, uri: string, key: string): Promise<ParquetFooter> {
    const footer = await readParquetFooter(source, uri);
    const entry = this.kept.get(key);
    if (entry !== undefined) entry.bytes = footer.tail.length;
    while (this.bytes > KEPT_BYTES && this.kept.size > 1) this.dropOldest(this.kept.size - 1);
    await this.note(footer.tail.length);
    return footer;
  }

  private async counted(footer: Promise<ParquetFooter>, bytes: number): Promise<ParquetFooter> {
    await this.note(bytes);
    return footer;
  }

  /** Counts what DuckDB keeps of a file that prescore wrote for it. */
  async note(bytes: number): Promise<void> {
    const wasFull = this.isFull;
    this.seenBytes += bytes;
    if (this.isFull && !wasFull) await this.onFull();
  }

  private get bytes(): number {
    return [...this.kept.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  }

  private dropOldest(most: number): void {
    const oldest = this.kept.keys().next().value;
    if (this.kept.size > most && oldest !== undefined) this.kept.delete(oldest);
  }
}
