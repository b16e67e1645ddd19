import { isUtf8 } from 'node:buffer';
import type { TextLayout } from '../../base/contract/table.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { textBlocks } from './text-blocks.ts';
import { requireCompression } from './text-compression.ts';
import { fileName, textFault } from './text-fault.ts';
import { TEXT_LIMITS } from './text-limits.ts';

/** The first text of a file, without its byte order mark. */
export interface TextSample {
  readonly bytes: Uint8Array;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
  readonly compression: TextLayout['compression'];
}

const HEAD_BYTES = 16;
const PROBE_BYTES = 4096;

/**
 * The first MiB of a text file, unpacked; more where one line is longer.
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
  for await (const block of textBlocks(source, compression, uri)) {
    blocks.push(block);
    length += block.length;
    if (length >= wanted && !blocks.some((b) => b.includes(LF))) wanted = TEXT_LIMITS.recordBytes;
    if (length >= wanted) {
      isWhole = false;
      break;
    }
  }
  const bytes = Buffer.concat(blocks);
  requireUtf8(bytes, isWhole, uri);
  return { bytes: bytes.subarray(markBytes(bytes)), isWhole, compression };
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
