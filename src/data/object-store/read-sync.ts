import { readSync } from 'node:fs';

/** Fills `into` from a byte of an open file on; gives the bytes read: fewer where the file ends before. Errors: those of the file system. */
export function readFullySync(file: number, into: Uint8Array, offset: number): number {
  let done = 0;
  while (done < into.length) {
    const count = readSync(file, into, done, into.length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
