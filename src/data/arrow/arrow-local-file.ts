import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import type { ArrowPlace } from './arrow-fault.ts';

/**
 * A local file that is read synchronously: DuckDB asks for rows in a callback that cannot wait. Owns: an open file until
 * `close`.
 */
export class ArrowLocalFile implements ByteSource {
  readonly size: number;
  private readonly handle: number;
  private readonly place: ArrowPlace;

  /** Errors: INPUT_GONE. */
  constructor(path: string, place: ArrowPlace) {
    try {
      this.handle = openSync(path, 'r');
    } catch (cause) {
      throw place.fault('INPUT_GONE', 'the local copy cannot be opened', { cause });
    }
    this.size = fstatSync(this.handle).size;
    this.place = place;
  }

  /** Exactly `length` bytes in a buffer of their own. Errors: INPUT_TRUNCATED, INTERNAL. Owns: the caller. */
  readNow(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (offset < 0 || offset + length > this.size) throw this.cut();
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = this.readSome(bytes, done, offset + done);
      if (count === 0) throw this.cut();
      done += count;
    }
    return bytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.readNow(offset, length);
  }

  close(): void {
    closeSync(this.handle);
  }

  private readSome(bytes: Uint8Array, done: number, position: number): number {
    try {
      return readSync(this.handle, bytes, done, bytes.length - done, position);
    } catch (cause) {
      throw toPrescoreError(cause, 'INTERNAL', 'reading the local copy of an Arrow file');
    }
  }

  private cut(): Error {
    return this.place.fault('INPUT_TRUNCATED', 'the file ends too early');
  }
}
