import { pipeline, Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Pieces } from './pieces.ts';

/** A file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Unpacked size in bytes, as the archive says. */
  readonly bytes: number;
  /**
   * The unpacked bytes, a buffer at a time; checking them is the caller's part (a wheel's RECORD has the digests).
   *
   * Errors: GPU_SOURCE when the archive is damaged here or packed in another way than wheels are.
   */
  content(): AsyncGenerator<Buffer>;
}

/**
 * The files of an archive, by name: its directory at the end is read, nothing is unpacked.
 *
 * Errors: GPU_SOURCE when it is not an archive, is cut off, or has a name that leads out of the archive.
 */
export async function readZipDirectory(source: Pieces): Promise<ReadonlyMap<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  try {
    const zip = await fromRandomAccessReaderPromise(new PiecesReader(source), source.bytes, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const { fileName: name, uncompressedSize: bytes } = entry;
      entries.set(name, { name, bytes, content: () => unpack(zip, entry, source.name) });
    }
  } catch (cause) {
    const what = 'Not a wheel, or damaged or cut off: the directory at its end cannot be read';
    throw new PrescoreError('GPU_SOURCE', { what, where: source.name, cause });
  }
  return entries;
}

async function* unpack(zip: ZipFile, entry: Entry, where: string): AsyncGenerator<Buffer> {
  try {
    if (!entry.canDecodeFileData()) throw new RangeError(`encrypted, or packed by method ${entry.compressionMethod}`);
    const packed = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    // Inflated here: yauzl's stream hands out 16 KiB at a time, which takes twice as long.
    const inflate = createInflateRaw({ chunkSize: 1 << 18 });
    yield* entry.compressionMethod === 0 ? packed : pipeline(packed, inflate, () => undefined);
  } catch (cause) {
    throw new PrescoreError('GPU_SOURCE', { what: `The archive is damaged at ${entry.fileName}`, where, cause });
  }
}

class PiecesReader extends RandomAccessReader {
  readonly #source: Pieces;

  constructor(source: Pieces) {
    super();
    this.#source = source;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#source.stream(start, end - start));
  }
}
