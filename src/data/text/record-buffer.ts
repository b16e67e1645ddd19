import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { TEXT_LIMITS } from './text-limits.ts';
import { markBytes } from './text-sample.ts';

/**
 * A local text file that is read synchronously, a block at a time: DuckDB asks for rows in a callback that cannot wait. Bytes
 * from `from` to `end` are in memory, and stay where they are until `more`. Owns: an open file until `close`.
 */
export class RecordBuffer {
  bytes: Uint8Array = new Uint8Array(TEXT_LIMITS.blockBytes);
  from = 0;
  end = 0;
  private readonly handle: number;
  private readonly size: number;
  private position = 0;

  /** Errors: INPUT_GONE. */
  constructor(path: string) {
    try {
      this.handle = openSync(path, 'r');
    } catch (cause) {
      throw new PrescoreError('INPUT_GONE', { what: 'the local copy cannot be opened', where: path, cause });
    }
    this.size = fstatSync(this.handle).size;
  }

  /** Whether no byte of the file comes after `end`. */
  get isLast(): boolean {
    return this.position >= this.size;
  }

  /** Whether all of it has been taken. */
  get isDone(): boolean {
    return this.isLast && this.from >= this.end;
  }

  /**
   * Reads on, and gives up what lies before `from`: views into `bytes` end. False when a record that begins at `from` is longer
   * than the limit: then nothing was read.
   */
  more(): boolean {
    const kept = this.end - this.from;
    if (kept >= TEXT_LIMITS.recordBytes) return false;
    if (kept > this.bytes.length / 2) {
      const larger = new Uint8Array(Math.min(this.bytes.length * 2, TEXT_LIMITS.recordBytes * 2));
      larger.set(this.bytes.subarray(this.from, this.end));
      this.bytes = larger;
    } else this.bytes.copyWithin(0, this.from, this.end);
    const isStart = this.position === 0;
    this.from = 0;
    this.end = kept;
    this.fill();
    if (isStart) this.from = markBytes(this.bytes.subarray(0, this.end));
    return true;
  }

  /** Passes over everything in memory. */
  drop(): void {
    this.from = this.end;
  }

  close(): void {
    closeSync(this.handle);
  }

  private fill(): void {
    try {
      while (this.end < this.bytes.length && this.position < this.size) {
        const count = readSync(this.handle, this.bytes, this.end, this.bytes.length - this.end, this.position);
        if (count === 0)
          throw new PrescoreError('INPUT_TRUNCATED', { what: 'the file became shorter while it was read' });
        this.end += count;
        this.position += count;
      }
    } catch (cause) {
      throw toPrescoreError(cause, 'INTERNAL', 'reading the local copy of a text file');
    }
  }
}
