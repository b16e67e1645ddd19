import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import type { ArrowMemory } from '../arrow/arrow-memory.ts';
import type { BatchHeader } from '../arrow/arrow-message.ts';
import { decompress } from './arrow-compression.ts';

/** Bytes of the length in front of a compressed buffer; -1 there means that the buffer was left as it is. */
const LENGTH_BYTES = 8;

/** The body of one batch: hands out buffers, read and decompressed one by one, so that unwanted columns cost nothing. */
export class ArrowBody {
  private readonly file: ArrowLocalFile;
  private readonly offset: number;
  private readonly header: BatchHeader;
  private readonly memory: ArrowMemory;

  /** `offset`: where the body starts in the file; the body must lie inside it. */
  constructor(file: ArrowLocalFile, offset: number, header: BatchHeader, memory: ArrowMemory) {
    this.file = file;
    this.offset = offset;
    this.header = header;
    this.memory = memory;
  }

  /** Bytes that the file stores for a buffer. */
  stored(index: number): number {
    return this.header.buffers[index]?.length ?? 0;
  }

  /**
   * At least `least` bytes of a buffer (all of them when null), at an aligned start.
   *
   * Errors: INPUT_CORRUPT when the buffer is shorter or cannot be decompressed, INPUT_TOO_LARGE, INPUT_TRUNCATED.
   * Owns: the caller; counted in the memory until the batch ends.
   */
  buffer(index: number, least: number | null, place: ArrowPlace): Uint8Array<ArrayBuffer> {
    const range = this.header.buffers[index] ?? { offset: 0, length: 0 };
    const start = this.offset + range.offset;
    if (this.header.codec === null || range.length === 0) return this.plain(start, range.length, least, place);
    if (range.length < LENGTH_BYTES) throw place.fault('INPUT_CORRUPT', 'a compressed buffer has no length');
    const prefix = this.file.readNow(start, LENGTH_BYTES);
    const size = Number(new DataView(prefix.buffer).getBigInt64(0, true));
    if (size === -1) return this.plain(start + LENGTH_BYTES, range.length - LENGTH_BYTES, least, place);
    if (size < 0 || size < (least ?? 0)) throw tooShort(size, least, place);
    this.memory.take(size, place);
    const input = this.file.readNow(start + LENGTH_BYTES, range.length - LENGTH_BYTES);
    return size === 0 && input.length === 0 ? new Uint8Array(0) : decompress(this.header.codec, input, size, place);
  }

  /** Counts memory that a decoder allocates beside the buffers. Errors: INPUT_TOO_LARGE. */
  reserve(bytes: number, place: ArrowPlace): void {
    this.memory.take(bytes, place);
  }

  private plain(start: number, length: number, least: number | null, place: ArrowPlace): Uint8Array<ArrayBuffer> {
    if (least !== null && length < least) throw tooShort(length, least, place);
    const bytes = least ?? length;
    this.memory.take(bytes, place);
    return this.file.readNow(start, bytes);
  }
}

function tooShort(bytes: number, least: number | null, place: ArrowPlace): Error {
  return place.fault('INPUT_CORRUPT', 'a buffer is too short for its rows', {
    expected: `${least ?? 0} bytes`,
    got: `${bytes}`,
  });
}
