/** Lets one task at a time through, in order of arrival; a task says itself when the next one may pass. */
export class Turnstile {
  private last: Promise<void> = Promise.resolve();

  async run<T>(task: (done: () => void) => Promise<T>): Promise<T> {
    const before = this.last;
    let open: () => void = () => undefined;
    this.last = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    try {
      return await task(open);
    } finally {
      open();
    }
  }
}
