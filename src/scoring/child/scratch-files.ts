import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

/**
 * The scratch files of one child. `limitBytes`: its share of execution.scratch, which what could be done without a scratch
 * file keeps to; what cannot be done without one is counted, not refused.
 */
export class ScratchFiles {
  readonly folder: string;
  readonly limitBytes: number;
  /** Path -> bytes that are yet to be written there at most. */
  private readonly files = new Map<string, number>();

  constructor(folder: string, limitBytes: number) {
    this.folder = folder;
    this.limitBytes = limitBytes;
  }

  /** A path for a new file of about so many bytes. Owns: the caller, until `remove`. */
  newPath(bytes = 0): string {
    const path = join(this.folder, `in-${randomBytes(8).toString('hex')}`);
    this.files.set(path, bytes);
    return path;
  }

  /** Removes a file of `newPath`, written or not. Repeat: safe. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
    this.files.delete(path);
  }

  /** Whether a file of so many bytes fits beside the others. */
  hasRoom(bytes: number): boolean {
    let used = bytes;
    // A sparse file takes its blocks, not its size.
    for (const [path, planned] of this.files) {
      const blocks = statSync(path, { throwIfNoEntry: false })?.blocks ?? 0;
      used += Math.max(planned, blocks * BLOCK_BYTES);
    }
    return used <= this.limitBytes;
  }
}
