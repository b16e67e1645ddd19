import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { readFullySync } from '../object-store/read-sync.ts';
import { errnoOf } from './file-errors.ts';

/** A call that takes longer is better made by another thread, beside others. */
const PROMPT_MS = 0.3;
/** Of the calls: on a busy machine some are interrupted, over a network nearly all take so long. */
const MOST_SLOW = 0.5;
const WEIGHT = 1 / 32;

/** What was read of a file at once. */
export interface PromptRead {
  readonly before: BigIntStats;
  readonly after: BigIntStats;
  /** Bytes read. */
  readonly done: number;
}

/**
 * Looks at files in this thread, as long as the file system answers at once: a turn through the thread pool costs ten times the call
 * on a local disk. A network's file system answers slowly; then it says so, for good, and many files are asked for at a time.
 */
export class PromptFiles {
  #slow = 0;

  get isPrompt(): boolean {
    return this.#slow < MOST_SLOW;
  }

  /** Null for what is not there. Errors: those of the file system. */
  stat(path: string): BigIntStats | null {
    return this.#timed(() => statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null);
  }

  /** Fills `into` from a byte on; null where there is no plain file. Errors: those of the file system. */
  read(path: string, offset: number, into: Uint8Array): PromptRead | null {
    return this.#timed(() => {
      const file = opened(path);
      if (file === null) return null;
      try {
        const before = fstatSync(file, { bigint: true });
        if (!before.isFile()) return null;
        const done = readFullySync(file, into, offset);
        // Only a second look shows a writer that was at work meanwhile.
        return { before, after: fstatSync(file, { bigint: true }), done };
      } finally {
        closeSync(file);
      }
    });
  }

  #timed<T>(task: () => T): T {
    const started = performance.now();
    try {
      return task();
    } finally {
      const isSlow = performance.now() - started > PROMPT_MS;
      this.#slow += ((isSlow ? 1 : 0) - this.#slow) * WEIGHT;
    }
  }
}

function opened(path: string): number | null {
  try {
    // Never waits for the other end of a pipe.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    throw error;
  }
}
