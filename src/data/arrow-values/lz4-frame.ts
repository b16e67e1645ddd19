import { xxh32 } from './xxh32.ts';

const MAGIC = 0x184d2204;
const HIGH_BIT = 0x80000000;
const WINDOW = 65_536;

/** Thrown for input that is not one whole LZ4 frame of the size asked for; the caller says where. */
export class Lz4Error extends Error {
  override readonly name = 'Lz4Error';
}

/** What the frame header promises. */
interface FrameHeader {
  readonly bytes: number;
  readonly blockMax: number;
  readonly hasIndependentBlocks: boolean;
  readonly hasBlockChecksums: boolean;
  readonly hasContentChecksum: boolean;
}

/**
 * Decodes one LZ4 frame that must give exactly `size` bytes. Only `size` bytes are allocated, whatever the input claims;
 * every copy is checked against both ends, and the checksums that the frame holds are verified.
 *
 * Errors: Lz4Error. Repeat: safe. Owns: the caller owns input and result.
 */
export function decodeLz4Frame(input: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const header = readHeader(input, view, size);
  const output = new Uint8Array(size);
  let at = header.bytes;
  let written = 0;
  for (;;) {
    need(input, at, 4);
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const blockBytes = word % HIGH_BIT;
    if (blockBytes > header.blockMax) throw new Lz4Error('a block is larger than the frame allows');
    need(input, at, blockBytes + (header.hasBlockChecksums ? 4 : 0));
    const block = input.subarray(at, at + blockBytes);
    at += blockBytes;
    if (header.hasBlockChecksums) {
      if (view.getUint32(at, true) !== xxh32(block)) throw new Lz4Error('the checksum of a block is wrong');
      at += 4;
    }
    const end = Math.min(size, written + header.blockMax);
    const oldest = header.hasIndependentBlocks ? written : 0;
    written =
      word >= HIGH_BIT ? copyBlock(block, output, written, end) : decodeBlock(block, output, written, end, oldest);
  }
  if (header.hasContentChecksum) {
    need(input, at, 4);
    if (view.getUint32(at, true) !== xxh32(output)) throw new Lz4Error('the checksum of the frame is wrong');
    at += 4;
  }
  if (written !== size) throw new Lz4Error(`the frame holds ${written} bytes, not ${size}`);
  if (at !== input.byteLength) throw new Lz4Error('there are bytes after the frame');
  return output;
}

function readHeader(input: Uint8Array, view: DataView, size: number): FrameHeader {
  need(input, 0, 7);
  if (view.getUint32(0, true) !== MAGIC) throw new Lz4Error('this is no LZ4 frame');
  const flags = view.getUint8(4);
  const blockCode = view.getUint8(5);
  if (flags >> 6 !== 1 || (flags & 2) !== 0 || (blockCode & 0x8f) !== 0)
    throw new Lz4Error('the frame header is damaged');
  if ((flags & 1) !== 0) throw new Lz4Error('the frame needs a dictionary');
  const blockSize = blockCode >> 4;
  if (blockSize < 4) throw new Lz4Error('the frame header is damaged');
  const hasSize = (flags & 8) !== 0;
  const end = hasSize ? 14 : 6;
  need(input, 0, end + 1);
  if (((xxh32(input.subarray(4, end)) >>> 8) & 0xff) !== view.getUint8(end)) {
    throw new Lz4Error('the checksum of the frame header is wrong');
  }
  if (hasSize && view.getBigUint64(6, true) !== BigInt(size)) throw new Lz4Error(`the frame is not of ${size} bytes`);
  return {
    bytes: end + 1,
    blockMax: 1 << (8 + 2 * blockSize),
    hasIndependentBlocks: (flags & 0x20) !== 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 4) !== 0,
  };
}

function copyBlock(block: Uint8Array, output: Uint8Array, written: number, end: number): number {
  if (block.length > end - written) throw new Lz4Error('the frame holds more bytes than it should');
  output.set(block, written);
  return written + block.length;
}

/** Decodes a block to `output` from `start`, at most to `end`; matches may reach back to `oldest`. Gives the new end. */
function decodeBlock(block: Uint8Array, output: Uint8Array, start: number, end: number, oldest: number): number {
  let at = 0;
  let to = start;
  const stop = block.length;
  while (at < stop) {
    const token = block[at++] ?? 0;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= stop) throw new Lz4Error('a block ends inside a length');
        more = block[at++] ?? 0;
        literals += more;
      }
    }
    if (literals > stop - at) throw new Lz4Error('a block ends inside its literals');
    if (literals > end - to) throw new Lz4Error('the frame holds more bytes than it should');
    if (literals > 24) {
      output.set(block.subarray(at, at + literals), to);
      at += literals;
      to += literals;
    } else {
      for (const last = at + literals; at < last; ) output[to++] = block[at++] ?? 0;
    }
    // The last sequence of a block has literals only.
    if (at === stop) return to;
    if (stop - at < 2) throw new Lz4Error('a block ends inside an offset');
    const offset = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more = 255;
      while (more === 255) {
        if (at >= stop) throw new Lz4Error('a block ends inside a length');
        more = block[at++] ?? 0;
        length += more;
      }
    }
    if (offset === 0 || offset > to - oldest || offset >= WINDOW)
      throw new Lz4Error('a match reaches before the start');
    if (length > end - to) throw new Lz4Error('the frame holds more bytes than it should');
    to = copyMatch(output, to, offset, length);
  }
  throw new Lz4Error('a block ends after a match');
}

function copyMatch(output: Uint8Array, to: number, offset: number, length: number): number {
  if (offset >= length && length > 24) {
    output.copyWithin(to, to - offset, to - offset + length);
    return to + length;
  }
  // Source and target may overlap: that is how LZ4 repeats a short pattern.
  const last = to + length;
  for (let from = to - offset; to < last; ) output[to++] = output[from++] ?? 0;
  return last;
}

function need(input: Uint8Array, at: number, bytes: number): void {
  if (at + bytes > input.byteLength) throw new Lz4Error('the frame is cut short');
}
