import { isUtf8 } from 'node:buffer';
import type { TextLayout } from '../../base/contract/table.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { textBlocks } from './text-blocks.ts';
import { requireCompression } from './text-compression.ts';
import { fileName, textFault } from './text-fault.ts';
import { TEXT_LIMITS } from './text-limits.ts';

/** Whole lines from somewhere in a file. */
export interface TextPiece {
  readonly bytes: Uint8Array;
  /** Whether the file ends with it; else its last record may be cut. */
  readonly isWhole: boolean;
}

/** The first text of a file, without its byte order mark. */
export interface TextSample extends TextPiece {
  readonly compression: TextLayout['compression'];
  /**
   * What comes later: each begins behind a line feed. That may stand within quotes, and what looks like records there may be none:
   * so these count only where they change no value, as of integers that are read as doubles.
   */
  readonly later: readonly TextPiece[];
}

const HEAD_BYTES = 16;
const PROBE_BYTES = 4096;

/**
 * The first MiB of a text file, unpacked, more where one line is longer; and a little of what comes later: of places all over a
 * plain file, of the next MiBs of a packed one.
 *
 * Errors: INPUT_UNSUPPORTED for packings and encodings that are not read, each with the command that helps; INPUT_CORRUPT for
 * a damaged archive; those of the source.
 */
export async function readSample(source: ByteSource, uri: string): Promise<TextSample> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const compression = requireCompression(head, uri);
  const blocks: Uint8Array[] = [];
  let length = 0;
  let isWhole = true;
  let wanted: number = TEXT_LIMITS.sampleBytes;
  const following = new FollowingPieces();
  for await (const block of textBlocks(source, compression, uri)) {
    if (!isWhole) {
      following.add(block);
      if (following.isDone) break;
      continue;
    }
    blocks.push(block);
    length += block.length;
    if (length >= wanted && !blocks.some((b) => b.includes(LF))) wanted = TEXT_LIMITS.recordBytes;
    if (length < wanted) continue;
    isWhole = false;
    if (compression === 'none') break;
  }
  const bytes = Buffer.concat(blocks);
  requireUtf8(bytes, isWhole, uri);
  const pieces = isWhole ? [] : compression === 'none' ? await spread(source, length) : following.pieces;
  const later = pieces.flatMap(wholeLines);
  return { bytes: bytes.subarray(markBytes(bytes)), isWhole, compression, later };
}

/** The start of each MiB of a text that is unpacked on and on. */
class FollowingPieces {
  readonly pieces: Uint8Array[] = [];
  private bytes = 0;

  get isDone(): boolean {
    return this.bytes >= TEXT_LIMITS.laterPieces * TEXT_LIMITS.sampleBytes;
  }

  add(block: Uint8Array): void {
    const { sampleBytes, laterBytes } = TEXT_LIMITS;
    const isDue = Math.floor(this.bytes / sampleBytes) >= this.pieces.length;
    this.bytes += block.length;
    if (isDue) this.pieces.push(Uint8Array.from(block.subarray(0, laterBytes)));
  }
}

/** Places at equal distances behind the first bytes. */
function spread(source: ByteSource, from: number): Promise<Uint8Array[]> {
  const { laterPieces, laterBytes } = TEXT_LIMITS;
  const step = Math.floor((source.size - from) / laterPieces);
  const count = step < laterBytes ? 0 : laterPieces;
  return Promise.all(
    Array.from({ length: count }, (_, i) => source.read(from + (i + 1) * step - laterBytes, laterBytes)),
  );
}

function wholeLines(bytes: Uint8Array): TextPiece[] {
  const start = bytes.indexOf(LF);
  return start === -1 ? [] : [{ bytes: bytes.subarray(start + 1), isWhole: false }];
}

const LF = 0x0a;

/** Bytes of the UTF-8 byte order mark that a text begins with: 3 or 0. */
export function markBytes(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Whether the start of a file may be text: no control characters that text does not have. For files without a known ending. */
export async function looksLikeText(source: ByteSource): Promise<boolean> {
  if (source.size === 0) return false;
  const bytes = await source.read(0, Math.min(PROBE_BYTES, source.size));
  return !bytes.some((byte) => byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d)) && bytes.includes(LF);
}

/**
 * A text that is not UTF-8 is refused when nothing in the sample speaks for UTF-8; else the rows that hold such bytes are
 * rejected one by one.
 */
function requireUtf8(bytes: Buffer, isWhole: boolean, uri: string): void {
  const wide = wideEncoding(bytes);
  if (wide !== null) throw otherEncoding(uri, `the file is ${wide}`, wide);
  const whole = isWhole ? bytes : withoutCutCharacter(bytes);
  if (isUtf8(whole)) return;
  let line = 1;
  let firstBad = 0;
  for (let from = 0; from < whole.length; line++) {
    const lf = whole.indexOf(LF, from);
    const to = lf === -1 ? whole.length : lf;
    const text = whole.subarray(from, to);
    const hasHighBytes = text.some((byte) => byte >= 0x80);
    if (hasHighBytes && isUtf8(text)) return;
    if (hasHighBytes && firstBad === 0) firstBad = line;
    from = to + 1;
  }
  throw otherEncoding(uri, `line ${firstBad} is not UTF-8`, 'WINDOWS-1252');
}

function otherEncoding(uri: string, what: string, encoding: string): Error {
  const name = fileName(uri);
  const guess = encoding === 'WINDOWS-1252' ? ' (or the encoding that it was written in)' : '';
  return textFault('INPUT_UNSUPPORTED', uri, what, {
    expected: 'UTF-8',
    fix: `Convert it${guess}: iconv -f ${encoding} -t UTF-8 ${name} > utf8-${name}`,
  });
}

function wideEncoding(bytes: Buffer): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32' : 'UTF-16';
  if (a === 0xfe && b === 0xff) return 'UTF-16';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32';
  // Without a mark: every other byte of Latin text is zero.
  const probe = bytes.subarray(0, 512);
  const zeros = (odd: number): number => probe.filter((byte, i) => byte === 0 && i % 2 === odd).length;
  const half = probe.length / 2;
  if (probe.length < 4) return null;
  if (zeros(1) > half * 0.8 && zeros(0) === 0) return 'UTF-16LE';
  return zeros(0) > half * 0.8 && zeros(1) === 0 ? 'UTF-16BE' : null;
}

// A character of up to four bytes may lie across the end of the sample.
function withoutCutCharacter(bytes: Buffer): Buffer {
  let end = bytes.length;
  for (let back = 1; back <= 3 && end - back >= 0; back++) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      end -= back;
      break;
    }
  }
  return bytes.subarray(0, end);
}
