/** For so long, so many times the limit may wait. */
const BURST_MS = 100;
const BURST = 4;

/** Says whether more work waits than may go on waiting. A burst goes through; a great deal of work at once does not. */
export class Backlog {
  private readonly limitMs: number;
  private since: number | null = null;

  /** Of work, in milliseconds that it takes. */
  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  isOver(waitingMs: number): boolean {
    if (waitingMs <= this.limitMs) {
      this.since = null;
      return false;
    }
    const now = performance.now();
    this.since ??= now;
    return waitingMs > BURST * this.limitMs || now - this.since > BURST_MS;
  }
}
