/** Requests of up to this many keys never wait. */
const SMALL = 32;
/** Keys of larger requests that are with the store at a time. */
const MOST_KEYS = 512;

/**
 * Lets requests of many keys to the store a few at a time. A page is 2 KiB: sixteen requests of 256 keys at once are 8 MiB of
 * replies, behind which single keys would wait, and be taken for those of a store that does not answer.
 */
export class BulkGate {
  private keys = 0;
  private readonly waiting: { readonly keys: number; readonly go: () => void }[] = [];

  /** Does the task when it is its turn. Errors: those of the task. */
  async pass<T>(keys: number, task: () => Promise<T>): Promise<T> {
    if (keys <= SMALL) return task();
    if (this.waiting.length > 0 || !this.hasRoom(keys))
      await new Promise<void>((go) => {
        this.waiting.push({ keys, go });
      });
    else this.keys += keys;
    try {
      return await task();
    } finally {
      this.keys -= keys;
      this.next();
    }
  }

  private next(): void {
    for (let first = this.waiting[0]; first !== undefined && this.hasRoom(first.keys); first = this.waiting[0]) {
      this.waiting.shift();
      this.keys += first.keys;
      first.go();
    }
  }

  // One alone always has room.
  private hasRoom(keys: number): boolean {
    return this.keys === 0 || this.keys + keys <= MOST_KEYS;
  }
}
