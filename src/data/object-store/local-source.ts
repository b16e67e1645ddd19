import { closeSync, openSync, readSync } from 'node:fs';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from './byte-source.ts';

/**
 * Random access to a local file, read at once: in a scorer child nobody waits for the loop, and five turns through the thread
 * pool cost more than the read. Whoever reads compares the file's version afterwards.
 *
 * Errors: INPUT_TRUNCATED; those of the file system.
 */
export function localSource(path: string, size: number): ByteSource {
  return { size, read: async (offset, length) => readNow(path, offset, length) };
}

function readNow(path: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, length - done, offset + done);
      if (count === 0) {
        const expected = `${offset + length} bytes`;
        throw new PrescoreError('INPUT_TRUNCATED', {
          what: 'file ends early',
          where: path,
          expected,
          got: `${offset + done}`,
        });
      }
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}
