interface Waiter {
  readonly size: number;
  readonly start: () => void;
}

/** Lets work begin only while the sizes of all work that goes on stay within a limit; in the order asked. */
export class Turns {
  private readonly limit: number;
  private readonly waiting: Waiter[] = [];
  private taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Runs `task` when there is room for its size; what is larger than the limit runs alone. Errors: those of the task. */
  async run<T>(size: number, task: () => Promise<T>): Promise<T> {
    if (this.waiting.length > 0 || !this.hasRoom(size))
      await new Promise<void>((start) => {
        this.waiting.push({ size, start });
      });
    else this.taken += size;
    try {
      return await task();
    } finally {
      this.taken -= size;
      this.startNext();
    }
  }

  private startNext(): void {
    for (let next = this.waiting[0]; next !== undefined && this.hasRoom(next.size); next = this.waiting[0]) {
      this.waiting.shift();
      this.taken += next.size;
      next.start();
    }
  }

  // One alone always has room.
  private hasRoom(size: number): boolean {
    return this.taken === 0 || this.taken + size <= this.limit;
  }
}
