import { closeSync, openSync } from 'node:fs';
import { readFullySync } from '../object-store/read-sync.ts';

/** A read costs more than the bytes of a few dozen small pages. */
const WINDOW_BYTES = 128 * 1024;

/**
 * Bytes of a local Parquet file, or of one that is in memory as a whole, read at once and some ahead: pages of small column chunks lie
 * one behind another. Owns: the open file, until `close`.
 */
export class PageBytes {
  /** What `hold` was asked for stands in here, from `base` on. */
  bytes: Uint8Array;
  base = 0;
  private end: number;
  private readonly path: string;
  private file: number | null = null;
  private own: Uint8Array | null = null;

  constructor(path: string, whole: Uint8Array | null) {
    this.path = path;
    this.bytes = whole ?? new Uint8Array(0);
    this.end = this.bytes.length;
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  /**
   * Has bytes [offset, offset + length) of the file stand in `bytes`, until the next call; gives their place there.
   * Errors: RangeError for a file that ends before; those of the file system.
   */
  hold(offset: number, length: number): number {
    if (offset >= this.base && offset + length <= this.end) return offset - this.base;
    const wanted = Math.max(length, WINDOW_BYTES);
    if (this.own === null || this.own.length < wanted) this.own = new Uint8Array(wanted);
    this.file ??= openSync(this.path, 'r');
    this.bytes = this.own;
    this.base = offset;
    // Nothing of it, should a read fail.
    this.end = offset;
    this.end += readFullySync(this.file, this.own.subarray(0, wanted), offset);
    if (this.end < offset + length) throw new RangeError('the file ends within a page');
    return 0;
  }
}
