import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

interface Piece {
  readonly path: string;
  /** Position of its first byte in the whole. */
  readonly at: number;
  readonly bytes: number;
}

/** One file, or one that was cut into parts, read as a whole: nothing is copied to join the parts. */
export class Pieces {
  /** What people call it: the path of the file, or of the first part. */
  readonly name: string;
  readonly bytes: number;
  private readonly pieces: readonly Piece[];

  private constructor(name: string, pieces: readonly Piece[]) {
    this.name = name;
    this.pieces = pieces;
    this.bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  }

  /** Errors: GPU_SOURCE when a part is gone or is not a file. */
  static async open(name: string, paths: readonly string[]): Promise<Pieces> {
    const pieces: Piece[] = [];
    let at = 0;
    for (const path of paths) {
      const found = await stat(path).catch(() => null);
      if (found?.isFile() !== true) throw new PrescoreError('GPU_SOURCE', { what: 'Not a file', where: path });
      pieces.push({ path, at, bytes: found.size });
      at += found.size;
    }
    return new Pieces(name, pieces);
  }

  /** Bytes [at, at + length) as a buffer of the caller; shorter where the file ends. */
  async read(at: number, length: number): Promise<Buffer> {
    const whole = Buffer.alloc(Math.max(0, Math.min(length, this.bytes - at)));
    for (const piece of this.within(at, whole.length)) {
      const from = Math.max(at, piece.at);
      const upTo = Math.min(at + whole.length, piece.at + piece.bytes);
      const file = await open(piece.path);
      try {
        await file.read(whole, from - at, upTo - from, from - piece.at);
      } finally {
        await file.close();
      }
    }
    return whole;
  }

  /** The same bytes, piece by piece of at most 1 MiB. */
  async *stream(at = 0, length = this.bytes): AsyncGenerator<Buffer> {
    for (const piece of this.within(at, length)) {
      const start = Math.max(at, piece.at) - piece.at;
      const end = Math.min(at + length, piece.at + piece.bytes) - piece.at - 1;
      for await (const chunk of createReadStream(piece.path, { start, end, highWaterMark: 1 << 20 }))
        yield chunk as Buffer;
    }
  }

  private within(at: number, length: number): readonly Piece[] {
    return this.pieces.filter((p) => p.bytes > 0 && length > 0 && p.at < at + length && at < p.at + p.bytes);
  }
}
