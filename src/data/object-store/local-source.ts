import { closeSync, openSync } from 'node:fs';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from './byte-source.ts';
import { readFullySync } from './read-sync.ts';

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
    const done = readFullySync(file, bytes, offset);
    if (done === length) return bytes;
    const expected = `${offset + length} bytes`;
    const got = `${offset + done}`;
    throw new PrescoreError('INPUT_TRUNCATED', { what: 'file ends early', where: path, expected, got });
  } finally {
    closeSync(file);
  }
}
