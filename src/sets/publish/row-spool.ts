import { type FileHandle, open, rm } from 'node:fs/promises';
import { writeVarint } from '../prediction-set/varint.ts';

const MAX_BLOCK = 65536;
const MIN_BLOCK = 4096;

interface Spilled {
  readonly offset: number;
  readonly length: number;
}

interface Residue {
  block: Uint8Array;
  used: number;
  full: Uint8Array[];
  readonly spilled: Spilled[];
  bytes: number;
}

/** Bytes in front of a row in the spool: its key's CRC-32. */
export const HASH_BYTES = 4;

/**
 * Encoded rows, set apart by residue (hash % residues), in the order in which they came. Above its memory it moves what it has to
 * one scratch file, so a table of any size is published in bounded memory.
 */
export class RowSpool {
  readonly residues: number;
  private readonly memoryBytes: number;
  private readonly path: string;
  private readonly blockBytes: number;
  private readonly parts: Residue[];
  private file: FileHandle | null = null;
  private fileBytes = 0;
  private heldBytes = 0;
  /** Rows so far, and their bytes in pages. */
  rows = 0;
  rowBytes = 0;

  constructor(residues: number, memoryBytes: number, path: string) {
    this.residues = residues;
    this.memoryBytes = memoryBytes;
    this.path = path;
    const share = Math.floor(memoryBytes / residues / 4);
    this.blockBytes = Math.max(MIN_BLOCK, Math.min(MAX_BLOCK, share));
    this.parts = Array.from({ length: residues }, () => ({
      block: new Uint8Array(0),
      used: 0,
      full: [],
      spilled: [],
      bytes: 0,
    }));
  }

  /**
   * Room for a row of `size` bytes; `target`, `at` say where its bytes go. Owns: the caller fills exactly those bytes before the
   * next call.
   */
  target: Uint8Array = new Uint8Array(0);
  at = 0;

  reserve(hash: number, size: number, prefixBytes: number): void {
    const part = this.parts[hash % this.residues]!;
    const need = HASH_BYTES + prefixBytes + size;
    if (part.used + need > part.block.length) this.nextBlock(part, need);
    const { block } = part;
    let at = part.used;
    block[at] = hash;
    block[at + 1] = hash >>> 8;
    block[at + 2] = hash >>> 16;
    block[at + 3] = hash >>> 24;
    at = writeVarint(block, at + HASH_BYTES, size);
    part.used += need;
    part.bytes += need;
    this.target = block;
    this.at = at;
    this.rows++;
    this.rowBytes += prefixBytes + size;
  }

  /** To be awaited now and then: moves full blocks to the file when there are too many. Errors: those of the disk. */
  async settle(): Promise<void> {
    if (this.heldBytes <= this.memoryBytes) return;
    this.file ??= await open(this.path, 'wx+');
    for (const part of this.parts) {
      for (const block of part.full) {
        await this.file.write(block, 0, block.length, this.fileBytes);
        part.spilled.push({ offset: this.fileBytes, length: block.length });
        this.fileBytes += block.length;
        this.heldBytes -= block.length;
      }
      part.full = [];
    }
  }

  /** All rows of one residue, in order, as one array. Owns: the caller; the spool forgets them. */
  async take(residue: number): Promise<Uint8Array> {
    const part = this.parts[residue]!;
    const all = new Uint8Array(part.bytes);
    let at = 0;
    for (const { offset, length } of part.spilled) {
      await this.file!.read(all, at, length, offset);
      at += length;
    }
    for (const block of [...part.full, part.block.subarray(0, part.used)]) {
      all.set(block, at);
      at += block.length;
    }
    part.full = [];
    part.block = new Uint8Array(0);
    return all;
  }

  async close(): Promise<void> {
    // Only what was made here is removed: the path may be somebody else's.
    if (this.file === null) return;
    await this.file.close();
    this.file = null;
    await rm(this.path, { force: true });
  }

  private nextBlock(part: Residue, need: number): void {
    if (part.used > 0) {
      part.full.push(part.block.subarray(0, part.used));
      this.heldBytes += part.used;
    }
    part.block = new Uint8Array(Math.max(this.blockBytes, need));
    part.used = 0;
  }
}
