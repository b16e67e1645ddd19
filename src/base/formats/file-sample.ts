import { open } from 'node:fs/promises';

/** What is looked at of a file: its two ends. */
export interface FileSample {
  /** Path, key or URI; only its ending is looked at, and only where bytes do not tell. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** From the first byte. */
  readonly head: Uint8Array;
  /** Up to the last byte; may overlap the head. */
  readonly tail: Uint8Array;
}

/** Bytes of an end that are enough to recognise a file. */
export const SAMPLE_BYTES = 65_536;

/** The sample of a file that is in memory. Owns: views of `bytes`. */
export function sampleOf(bytes: Uint8Array, name: string): FileSample {
  const { length } = bytes;
  return {
    name,
    size: length,
    head: bytes.subarray(0, SAMPLE_BYTES),
    tail: bytes.subarray(Math.max(0, length - SAMPLE_BYTES)),
  };
}

/** The sample of a file that is read by ranges. Errors: those of `read`. */
export async function readSample(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  size: number,
  name: string,
): Promise<FileSample> {
  const length = Math.min(size, SAMPLE_BYTES);
  const head = length === 0 ? new Uint8Array() : await read(0, length);
  const tail = length === size ? head : await read(size - length, length);
  return { name, size, head, tail };
}

/** The sample of a file of this machine; `name`: what it is called in messages. Errors: those of the disk. */
export async function sampleOfFile(path: string, name: string): Promise<FileSample> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const into = new Uint8Array(length);
      await file.read(into, 0, length, offset);
      return into;
    };
    return await readSample(read, size, name);
  } finally {
    await file.close();
  }
}

/** Bytes as characters of their values, for looking for words. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/**
 * A file as it can stand in a command line: a local path as it is, of a URI the last segment; `instead` where a sign in it could mean
 * something to a shell.
 */
export function plainName(name: string, instead: string): string {
  const whole = name.replace(/\/+$/, '');
  const shown = whole.startsWith('/') ? whole : whole.slice(whole.lastIndexOf('/') + 1);
  return /^[A-Za-z0-9_/][A-Za-z0-9._+=/-]{0,300}$/.test(shown) ? shown : instead;
}
