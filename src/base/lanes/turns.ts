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
    const turn = this.enter(size);
    if (turn !== null) await turn;
    try {
      return await task();
    } finally {
      this.leave(size);
    }
  }

  /** Waits as `run` does. Owns: the caller has the room until it calls what it is given. Errors: none. */
  async take(size: number): Promise<() => void> {
    await this.enter(size);
    return () => this.leave(size);
  }

  /** Null when there is room at once. */
  private enter(size: number): Promise<void> | null {
    if (this.waiting.length > 0 || !this.hasRoom(size))
      return new Promise((start) => {
        this.waiting.push({ size, start });
      });
    this.taken += size;
    return null;
  }

  private leave(size: number): void {
    this.taken -= size;
    this.startNext();
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
