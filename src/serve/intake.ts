/** For so long after a refusal requests are decided on turn by turn. */
const CALM_MS = 1_000;

/** Takes or refuses a request that is here whole, and says whether it was taken. */
type Decide = () => boolean;

/**
 * Decides on requests: each at once, as long as none is refused. Under a flood, those that one turn of the event loop has read are
 * decided on together, the newest first. A turn is long then, and the kernel gives what has waited longest first: what is taken
 * would be the oldest, and what is refused could have been answered soon.
 */
export class Intake {
  private held: Decide[] = [];
  private refusedAt = Number.NEGATIVE_INFINITY;
  private readonly now: () => number;

  /** `now` is a clock in milliseconds. */
  constructor(now = (): number => performance.now()) {
    this.now = now;
  }

  /** Decides on the request, at the latest at the end of this turn. Errors: none. */
  offer(decide: Decide): void {
    if (this.now() - this.refusedAt > CALM_MS) this.ask(decide);
    else if (this.held.push(decide) === 1) setImmediate(this.decideAll);
  }

  private readonly decideAll = (): void => {
    const { held } = this;
    this.held = [];
    for (const decide of held.reverse()) this.ask(decide);
  };

  private ask(decide: Decide): void {
    if (!decide()) this.refusedAt = this.now();
  }
}
