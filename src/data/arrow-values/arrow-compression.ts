import * as zlib from 'node:zlib';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { BodyCodec } from '../arrow/arrow-message.ts';
import { decodeLz4Frame } from './lz4-frame.ts';

/** Zstandard as `node:zlib` offers it from Node 22.15 on. */
export type ZstdDecode = (
  input: Uint8Array,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Uint8Array;

const ZSTD_MAGIC = 0xfd2fb528;
const nativeZstd: ZstdDecode | null = 'zstdDecompressSync' in zlib ? zlib.zstdDecompressSync : null;

/**
 * Decompresses one buffer of a body to exactly `size` bytes; nothing beyond `size` is kept, whatever the input claims.
 *
 * Errors: INPUT_CORRUPT (damaged, or another size), INPUT_UNSUPPORTED (ZSTD on a Node without it). Repeat: safe.
 * Owns: the caller owns input and result.
 */
export function decompress(
  codec: BodyCodec,
  input: Uint8Array,
  size: number,
  place: ArrowPlace,
  zstd: ZstdDecode | null = nativeZstd,
): Uint8Array<ArrayBuffer> {
  if (codec === 'lz4') {
    return orCorrupt('LZ4', place, () => decodeLz4Frame(input, size));
  }
  if (zstd === null) {
    throw place.fault('INPUT_UNSUPPORTED', 'the body is compressed with ZSTD, which this Node.js cannot decode', {
      expected: 'Node.js 22.15 or newer',
      got: process.version,
      fix: 'Use Node.js 22.15 or newer, or write the file with LZ4 or without compression.',
    });
  }
  return orCorrupt('ZSTD', place, () => decodeZstd(zstd, input, size, place));
}

function decodeZstd(zstd: ZstdDecode, input: Uint8Array, size: number, place: ArrowPlace): Uint8Array<ArrayBuffer> {
  if (input.byteLength < 9 || new DataView(input.buffer, input.byteOffset).getUint32(0, true) !== ZSTD_MAGIC) {
    throw place.fault('INPUT_CORRUPT', 'a buffer should be compressed with ZSTD, and is no ZSTD frame');
  }
  // One chunk of the final size saves the concatenation; at least one byte more, so that a longer frame is noticed.
  const chunkSize = Math.max(64, size + 1);
  const bytes = zstd(input, { maxOutputLength: chunkSize, chunkSize });
  if (bytes.byteLength !== size) {
    const facts = { expected: `${size} bytes`, got: `${bytes.byteLength}` };
    throw place.fault('INPUT_CORRUPT', 'a buffer has another size than it says', facts);
  }
  // A copy where the result is a slice of a pool that is not aligned.
  return bytes.byteOffset % 8 === 0 && bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, size)
    : Uint8Array.from(bytes);
}

function orCorrupt<T>(codec: string, place: ArrowPlace, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (isPrescoreError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw place.fault('INPUT_CORRUPT', `a buffer cannot be decompressed with ${codec}: ${reason}`, { cause });
  }
}
