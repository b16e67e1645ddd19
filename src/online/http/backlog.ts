/** For so long, so many times the limit may wait, */
const BURST_MS = 100;
const BURST = 2;
/** unless there was too much so shortly before: under a steady flood every lull would begin another burst. */
const CALM_MS = 1_000;
/** It is a flood when of about so many requests, the latest, a greater share than this was refused. */
const LATEST = 16;
const FLOOD = 0.4;

/**
 * Says whether more work waits than may go on waiting. A burst goes through; a great deal of work at once does not. Under a flood
 * less may wait than else: another request is there as soon as there is room for it, so all that waiting does is take time.
 */
export class Backlog {
  private readonly limitMs: number;
  private readonly floodMs: number;
  private readonly now: () => number;
  /** When the limit was passed; null below it. */
  private since: number | null = null;
  private lastOver = Number.NEGATIVE_INFINITY;
  /** Of the latest requests. */
  private refusedShare = 0;

  /** Of work, in milliseconds that it takes; `floodMs` under a flood. `now` is a clock in milliseconds. */
  constructor(limitMs: number, floodMs: number, now = (): number => performance.now()) {
    this.limitMs = limitMs;
    this.floodMs = floodMs;
    this.now = now;
  }

  /** Whether a request is to be refused, which counts as one that was. */
  isOver(waitingMs: number): boolean {
    if (waitingMs <= this.limitMs) this.since = null;
    if (waitingMs <= this.floodMs) return false;
    const now = this.now();
    const isOver = waitingMs <= this.limitMs ? this.isFlood(now) : !this.isBurst(waitingMs, now);
    if (!isOver) return false;
    this.lastOver = now;
    this.refusedShare += (1 - this.refusedShare) / LATEST;
    return true;
  }

  /** A request was taken. */
  took(): void {
    this.refusedShare -= this.refusedShare / LATEST;
  }

  private isFlood(now: number): boolean {
    return this.refusedShare > FLOOD && now - this.lastOver <= CALM_MS;
  }

  private isBurst(waitingMs: number, now: number): boolean {
    this.since ??= now;
    return waitingMs <= BURST * this.limitMs && now - this.since <= BURST_MS && now - this.lastOver > CALM_MS;
  }
}
