interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
}

/** Lets work begin only while the bytes of all work that goes on stay within a limit; in the order asked. */
export class BytesInFlight {
  private readonly limit: number;
  private readonly waiting: Waiter[] = [];
  private taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Runs `task` when there is room for its bytes; what is larger than the limit runs alone. */
  async run<T>(bytes: number, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.waiting.push({ bytes, start });
      this.startNext();
    });
    try {
      return await task();
    } finally {
      this.taken -= bytes;
      this.startNext();
    }
  }

  private startNext(): void {
    for (;;) {
      const next = this.waiting[0];
      if (next === undefined || (this.taken > 0 && this.taken + next.bytes > this.limit)) return;
      this.waiting.shift();
      this.taken += next.bytes;
      next.start();
    }
  }
}
