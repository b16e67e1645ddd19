import type { PlannedChunk } from '../../base/contract/plan.ts';
import { longestFirst } from '../../run/plan/cut-chunks.ts';

/**
 * Which chunk comes into the queue when one is done. The chunks of a run, longest first, are dealt out to `window` lanes like
 * cards; each lane has one chunk in the queue, and who finishes it puts the lane's next one at the end. So a run has at most
 * `window` chunks in the queue, runs of one queue take turns, and nobody needs to know more than the plan.
 */
export class ChunkOrder {
  readonly count: number;
  private readonly window: number;
  private readonly byPosition: Int32Array;
  private readonly positionOf: Int32Array;
  private readonly done: Uint8Array;
  private doneCount = 0;

  constructor(chunks: readonly PlannedChunk[], window: number) {
    this.count = chunks.length;
    this.window = Math.max(1, window);
    this.byPosition = Int32Array.from(longestFirst([...chunks]), (chunk) => chunk.n);
    this.positionOf = new Int32Array(this.count);
    for (const [position, n] of this.byPosition.entries()) this.positionOf[n] = position;
    this.done = new Uint8Array(this.count);
  }

  /** Chunks that are known to have a record. */
  get known(): number {
    return this.doneCount;
  }

  isDone(n: number): boolean {
    return this.done[n] === 1;
  }

  markDone(n: number): void {
    if (n >= this.count || this.done[n] === 1) return;
    this.done[n] = 1;
    this.doneCount++;
  }

  /** The next chunk of the lane of `n` that is not known to be done; null at its end. */
  after(n: number): number | null {
    for (let p = this.positionOf[n]! + this.window; p < this.count; p += this.window) {
      const next = this.byPosition[p]!;
      if (this.done[next] === 0) return next;
    }
    return null;
  }

  /** What should be in the queue: the first chunks that are not known to be done, at most a window of them. */
  heads(): number[] {
    const heads: number[] = [];
    for (let p = 0; p < this.count && heads.length < this.window; p++) {
      const n = this.byPosition[p]!;
      if (this.done[n] === 0) heads.push(n);
    }
    return heads;
  }
}
