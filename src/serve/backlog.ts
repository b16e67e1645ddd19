/** For so long, so many times the limit may wait, */
const BURST_MS = 100;
const BURST = 4;
/** unless there was too much so shortly before: under a steady flood every lull would begin another burst. */
const CALM_MS = 1_000;

/** Says whether more work waits than may go on waiting. A burst goes through; a great deal of work at once does not. */
export class Backlog {
  private readonly limitMs: number;
  private readonly now: () => number;
  /** When the limit was passed; null below it. */
  private since: number | null = null;
  private lastOver = Number.NEGATIVE_INFINITY;

  /** Of work, in milliseconds that it takes. `now` is a clock in milliseconds. */
  constructor(limitMs: number, now = (): number => performance.now()) {
    this.limitMs = limitMs;
    this.now = now;
  }

  isOver(waitingMs: number): boolean {
    if (waitingMs <= this.limitMs) {
      this.since = null;
      return false;
    }
    const now = this.now();
    this.since ??= now;
    const isBurst = waitingMs <= BURST * this.limitMs && now - this.since <= BURST_MS && now - this.lastOver > CALM_MS;
    if (!isBurst) this.lastOver = now;
    return !isBurst;
  }
}
