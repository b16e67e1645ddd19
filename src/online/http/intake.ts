import { loopCpuMs } from './work-meter.ts';

/** For so long after a refusal requests are decided on turn by turn. */
const CALM_MS = 1_000;

/** So long a turn goes on taking what waits; what is left is decided on in the next. */
const SLICE_MS = 1;

/** So long a turn decides on each request at once. What is answered in this thread shows no work that waits as long as nobody reads it. */
const AT_ONCE_MS = 5;

/**
 * Takes or refuses a request that is here whole, for which the event loop has done other work for `waitedMs` of CPU time, and says whether it was
 * taken. Where it may not be taken yet, and need not be refused either: null.
 */
type Decide = (waitedMs: number, mayTake: boolean) => boolean | null;

/** A request, and what the event loop had done when it came. */
interface Held {
  readonly decide: Decide;
  readonly at: number;
}

/**
 * Decides on requests: each at once, as long as none is refused and the turn of the event loop is short. Else those that it has read wait, and a
 * turn takes few: while large bodies are parsed and scored, others wait in the kernel, a piece of a body a turn. What has waited too long is
 * refused. Under a flood the newest are taken first: the kernel gives what has waited longest first, so that what is taken would be the oldest,
 * and what is refused could have been answered soon.
 */
export class Intake {
  /** Oldest first. */
  private held: Held[] = [];
  private refusedAt = Number.NEGATIVE_INFINITY;
  /** When the first request of this turn came; null before it. */
  private turnSince: number | null = null;
  private readonly now: () => number;
  private readonly usedMs: () => number;

  /** `now` is a clock in milliseconds, `usedMs` gives the CPU time that the event loop has had. */
  constructor(now = (): number => performance.now(), usedMs = loopCpuMs) {
    this.now = now;
    this.usedMs = usedMs;
  }

  /** Decides on the request, now or in one of the next turns. Errors: none. */
  offer(decide: Decide): void {
    const now = this.now();
    if (this.turnSince === null) {
      this.turnSince = now;
      setImmediate(this.endTurn);
    }
    const isShort = now - this.turnSince <= AT_ONCE_MS && this.held.length === 0;
    if (isShort && !this.isFlood(now)) this.ask(decide, 0, true);
    else if (this.held.push({ decide, at: this.usedMs() }) === 1) setImmediate(this.decideSome);
  }

  private readonly endTurn = (): void => {
    this.turnSince = null;
  };

  private readonly decideSome = (): void => {
    const started = this.now();
    const isFlood = this.isFlood(started);
    do {
      const { decide, at } = isFlood ? this.held.pop()! : this.held.shift()!;
      this.ask(decide, this.usedMs() - at, true);
    } while (this.held.length > 0 && this.now() - started < SLICE_MS);
    const used = this.usedMs();
    this.held = this.held.filter(({ decide, at }) => this.ask(decide, used - at, false) === null);
    if (this.held.length > 0) setImmediate(this.decideSome);
  };

  private isFlood(now: number): boolean {
    return now - this.refusedAt <= CALM_MS;
  }

  private ask(decide: Decide, waitedMs: number, mayTake: boolean): boolean | null {
    const isTaken = decide(waitedMs, mayTake);
    if (isTaken === false) this.refusedAt = this.now();
    return isTaken;
  }
}
