import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Pieces } from './pieces.ts';

/** A file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Unpacked size in bytes, as the archive says. */
  readonly bytes: number;
  readonly packedBytes: number;
  readonly method: number;
  readonly headerAt: number;
}

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const HEADER_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;
/** What a field holds that has moved to the 64-bit form, which no wheel needs. */
const ELSEWHERE = 0xffffffff;

/**
 * The files of an archive, by name: its directory at the end is read, nothing is unpacked.
 *
 * Errors: GPU_SOURCE when it is not an archive, is cut off, or is over 4 GiB.
 */
export async function readZipDirectory(source: Pieces): Promise<ReadonlyMap<string, ZipEntry>> {
  const tail = await source.read(Math.max(0, source.bytes - END_BYTES - LONGEST_COMMENT), END_BYTES + LONGEST_COMMENT);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || tail.length - end < END_BYTES || tail.readUInt32LE(end) !== END_SIGNATURE)
    throw bad(source, 'Not a wheel, or cut off: the directory at its end is missing');
  const [count, bytes, at] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (at === ELSEWHERE || bytes === ELSEWHERE) throw bad(source, 'An archive of over 4 GiB');
  const directory = await source.read(at, bytes);
  const entries = new Map<string, ZipEntry>();
  let p = 0;
  for (let i = 0; i < count; i++) {
    if (p + 46 > directory.length || directory.readUInt32LE(p) !== ENTRY_SIGNATURE)
      throw bad(source, 'The directory of the archive is damaged');
    const nameBytes = directory.readUInt16LE(p + 28);
    const name = directory.toString('utf8', p + 46, p + 46 + nameBytes);
    entries.set(name, {
      name,
      method: directory.readUInt16LE(p + 10),
      packedBytes: directory.readUInt32LE(p + 20),
      bytes: directory.readUInt32LE(p + 24),
      headerAt: directory.readUInt32LE(p + 42),
    });
    p += 46 + nameBytes + directory.readUInt16LE(p + 30) + directory.readUInt16LE(p + 32);
  }
  return entries;
}

/**
 * The unpacked bytes of a file, a buffer at a time; checking them is the caller's part (a wheel's RECORD has the digests).
 *
 * Errors: GPU_SOURCE when the archive is damaged here or packed in another way than wheels are.
 */
export async function* unpackEntry(source: Pieces, entry: ZipEntry): AsyncGenerator<Buffer> {
  const header = await source.read(entry.headerAt, 30);
  if (header.length < 30 || header.readUInt32LE(0) !== HEADER_SIGNATURE)
    throw bad(source, `The archive is damaged at ${entry.name}`);
  const at = entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (entry.method === STORED) {
    yield* source.stream(at, entry.packedBytes);
    return;
  }
  if (entry.method !== DEFLATED) throw bad(source, `${entry.name} is packed by method ${entry.method}`);
  const packed = Readable.from(source.stream(at, entry.packedBytes));
  const inflate = createInflateRaw({ chunkSize: 1 << 18 });
  packed.on('error', (error) => inflate.destroy(error));
  try {
    for await (const chunk of packed.pipe(inflate)) yield chunk as Buffer;
  } catch (cause) {
    throw bad(source, `The archive is damaged inside ${entry.name}`, cause);
  } finally {
    packed.destroy();
  }
}

function bad(source: Pieces, what: string, cause?: unknown): PrescoreError {
  return new PrescoreError('GPU_SOURCE', { what, where: source.name, cause });
}
