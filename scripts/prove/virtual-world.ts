/** One life of a scheduler: while it is not alive, nothing that it waits for happens. */
export interface Life {
  readonly name: string;
  state: 'up' | 'paused' | 'dead';
  /** When it stopped renewing what it holds. */
  silentSince: number;
}

interface Waiting {
  readonly life: Life | null;
  readonly at: number;
  readonly run: () => void;
}

/**
 * Virtual time, and the order in which things happen at one moment: drawn by lot, so that every interleaving of the requests
 * of several schedulers can come up. Nothing here waits in real time.
 */
export class VirtualWorld {
  now: number;
  private readonly random: () => number;
  private ready: Waiting[] = [];
  private later: Waiting[] = [];
  steps = 0;

  constructor(random: () => number, start: number) {
    this.random = random;
    this.now = start;
  }

  /** A request: it takes effect at a moment drawn by lot, up to two seconds from now; a dead life never sees its answer. */
  request<T>(life: Life, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          const value = effect();
          // A life that ends between effect and answer is the hardest case.
          this.ready.push({ life, at: this.now, run: () => resolve(value) });
        } catch (error) {
          reject(error as Error);
        }
      };
      if (this.random() < 0.8) this.ready.push({ life, at: this.now, run });
      else this.at(this.now + Math.floor(this.random() * 2000), life, run);
    });
  }

  /** Calls back at a time; whose life is over is not called. Gives what forgets it. */
  at(time: number, life: Life | null, run: () => void): () => void {
    const entry = { life, at: Math.max(time, this.now), run };
    let low = 0;
    let high = this.later.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.later[middle]!.at <= entry.at) low = middle + 1;
      else high = middle;
    }
    this.later.splice(low, 0, entry);
    return () => {
      const index = this.later.indexOf(entry);
      if (index >= 0) this.later.splice(index, 1);
    };
  }

  /** Plays until a time, or until `isOver` says so. */
  async play(until: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      // Lets every promise that was settled run its course.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.steps++;
      if (isOver()) return;
      const runnable = this.ready.filter((w) => w.life === null || w.life.state === 'up');
      if (runnable.length > 0) {
        const chosen = runnable[Math.floor(this.random() * runnable.length)]!;
        this.ready.splice(this.ready.indexOf(chosen), 1);
        chosen.run();
        continue;
      }
      this.ready = this.ready.filter((w) => w.life?.state !== 'dead');
      const due = this.later.find((w) => w.life === null || w.life.state === 'up');
      if (due === undefined || due.at > until) {
        this.now = until;
        return;
      }
      this.now = Math.max(this.now, due.at);
      this.later = this.later.filter((w) => w.life?.state !== 'dead');
      // Everything of this moment takes its turn by lot.
      const isDue = (w: Waiting): boolean => w.at <= this.now && (w.life === null || w.life.state === 'up');
      this.ready.push(...this.later.filter(isDue));
      this.later = this.later.filter((w) => !isDue(w));
    }
  }
}
