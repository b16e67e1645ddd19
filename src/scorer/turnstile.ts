/** Lets a few tasks at a time through, in order of arrival; a task says itself when the next one may pass. */
export class Turnstile {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.free = places;
  }

  async run<T>(task: (done: () => void) => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    };
    try {
      return await task(done);
    } finally {
      done();
    }
  }
}
