import type { ArrowPlace } from './arrow-fault.ts';

/**
 * Counts the bytes that decoding holds, before they are allocated. A record batch and its dictionaries must fit at once.
 */
export class ArrowMemory {
  private readonly limit: number;
  private held = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.held;
  }

  /** Errors: INPUT_TOO_LARGE, before anything is counted. */
  take(bytes: number, place: ArrowPlace): void {
    if (this.held + bytes > this.limit) {
      throw place.fault('INPUT_TOO_LARGE', 'a record batch needs more memory than it may use', {
        expected: `at most ${this.limit} bytes`,
        got: `${this.held + bytes} bytes or more`,
        fix: 'Raise execution.memory, or write smaller record batches.',
      });
    }
    this.held += bytes;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}
