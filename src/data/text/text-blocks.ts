import { Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { TextLayout } from '../../base/contract/table.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { ByteCursor } from './byte-cursor.ts';
import { isSkippable } from './text-compression.ts';
import { textFault } from './text-fault.ts';

const TAIL_BYTES = 1024 * 1024;

/**
 * The text of a file, unpacked, block after block; whoever stops early stops the reading. Every member of a gzip file and every
 * frame of a Zstandard file is read, and checksums are compared.
 *
 * Errors: INPUT_CORRUPT for an archive that is damaged, cut or followed by something else; those of the source.
 * Owns: a block is the caller's.
 */
export async function* textBlocks(
  source: ByteSource,
  compression: TextLayout['compression'],
  uri: string,
): AsyncGenerator<Uint8Array> {
  const corrupt: Corrupt = (what) => textFault('INPUT_CORRUPT', uri, what, { fix: FIX });
  const cursor = new ByteCursor(source);
  if (compression === 'none') yield* rest(cursor);
  else if (compression === 'gzip') yield* gzipMembers(source, cursor, corrupt);
  else yield* unpackFrames(cursor, (frame) => unpacked(zlib.createZstdDecompress(), frame, corrupt), corrupt);
}

const FIX = 'Write it again, or copy it again from where it came.';

async function* rest(cursor: ByteCursor): AsyncGenerator<Uint8Array> {
  while (!cursor.isAtEnd) yield await cursor.next();
}

async function* gzipMembers(source: ByteSource, cursor: ByteCursor, corrupt: Corrupt): AsyncGenerator<Uint8Array> {
  const gunzip = zlib.createGunzip();
  yield* unpacked(gunzip, rest(cursor), corrupt);
  // zlib takes a zero after a member for padding and passes over all that follows.
  for (let at = gunzip.bytesWritten; at < source.size; at += TAIL_BYTES) {
    const tail = await source.read(at, Math.min(TAIL_BYTES, source.size - at));
    if (tail.some((byte) => byte !== 0)) throw corrupt('something follows the archive that is no part of it');
  }
}

async function* unpacked(
  decompress: Transform,
  packed: AsyncIterable<Uint8Array>,
  corrupt: Corrupt,
): AsyncGenerator<Uint8Array> {
  const feed = Readable.from(packed, { objectMode: true, highWaterMark: 1 });
  feed.on('error', (error) => decompress.destroy(error));
  // An error that comes after the last block was taken is told by what follows; it must not end the process.
  decompress.on('error', () => undefined);
  feed.pipe(decompress);
  try {
    for await (const block of decompress) yield block as Uint8Array;
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    throw corrupt(`the archive cannot be unpacked (${error instanceof Error ? error.message : String(error)})`);
  } finally {
    feed.destroy();
    decompress.destroy();
  }
}

/** Says what is wrong with a file. */
export type Corrupt = (what: string) => Error;

/**
 * Walks the frames of a Zstandard file by their own lengths: the decompressor of Node.js ends with the first frame and passes
 * over the others, and whoever packs in parallel writes many. `unpack` is given the bytes of one frame.
 *
 * Errors: what `corrupt` makes of a file that ends within a frame or goes on with something else; those of reading.
 */
export async function* unpackFrames(
  cursor: ByteCursor,
  unpack: (frame: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  corrupt: Corrupt,
): AsyncGenerator<Uint8Array> {
  while (!cursor.isAtEnd) {
    const magic = await cursor.peek(4);
    if (magic.length < 4) throw corrupt('the archive ends within a frame');
    if (isSkippable(magic)) {
      const head = await cursor.take(8, corrupt);
      await cursor.skip(uint32(head, 4), corrupt);
      continue;
    }
    if (uint32(magic, 0) !== 0xfd2fb528) throw corrupt('something follows the archive that is no frame of it');
    yield* unpack(frameBytes(cursor, corrupt));
  }
}

async function* frameBytes(cursor: ByteCursor, corrupt: Corrupt): AsyncGenerator<Uint8Array> {
  const start = await cursor.take(5, corrupt);
  yield start;
  const descriptor = start[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const rest = (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  if (rest > 0) yield await cursor.take(rest, corrupt);
  for (let isLast = false; !isLast; ) {
    const head = await cursor.take(3, corrupt);
    const word = (head[0] ?? 0) | ((head[1] ?? 0) << 8) | ((head[2] ?? 0) << 16);
    isLast = (word & 1) === 1;
    const kind = (word >> 1) & 3;
    if (kind === 3) throw corrupt('a block of the archive is of no known kind');
    yield head;
    // A block of one byte, repeated, has one byte.
    const bytes = kind === 1 ? 1 : word >> 3;
    if (bytes > 0) yield await cursor.take(bytes, corrupt);
  }
  if (hasChecksum) yield await cursor.take(4, corrupt);
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}
