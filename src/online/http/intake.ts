/** For so long after a refusal requests are decided on turn by turn. */
const CALM_MS = 1_000;

/** So long a turn goes on taking what has just come; what is left is decided on in the next. */
const SLICE_MS = 1;

/** Takes or refuses a request that is here whole, and says whether it was taken. */
type Decide = () => boolean;

/**
 * Decides on requests: each at once, as long as none is refused. Under a flood, those that one turn of the event loop has read are
 * decided on together, the newest first. A turn is long then, and the kernel gives what has waited longest first: what is taken
 * would be the oldest, and what is refused could have been answered soon. Nor is all that there is room for taken in one turn: while large
 * bodies are parsed, answers of the model wait, and the turn after must read all that came meanwhile.
 */
export class Intake {
  private held: Decide[] = [];
  /** Of an earlier turn. */
  private kept: Decide[] = [];
  private refusedAt = Number.NEGATIVE_INFINITY;
  private readonly now: () => number;

  /** `now` is a clock in milliseconds. */
  constructor(now = (): number => performance.now()) {
    this.now = now;
  }

  /** Decides on the request, at the latest at the end of the next turn. Errors: none. */
  offer(decide: Decide): void {
    if (this.now() - this.refusedAt > CALM_MS) this.ask(decide);
    else if (this.held.push(decide) + this.kept.length === 1) setImmediate(this.decideAll);
  }

  private readonly decideAll = (): void => {
    const until = this.now() + SLICE_MS;
    const { held, kept } = this;
    this.held = [];
    this.kept = [];
    while (held.length > 0 && this.now() < until) this.ask(held.pop()!);
    for (const decide of kept.reverse()) this.ask(decide);
    this.kept = held;
    if (held.length > 0) setImmediate(this.decideAll);
  };

  private ask(decide: Decide): void {
    if (!decide()) this.refusedAt = this.now();
  }
}
