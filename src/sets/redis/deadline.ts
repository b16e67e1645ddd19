import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ChurnSet } from '../../base/heap/churn-map.ts';

const TICKS = 20;

interface Pending {
  readonly until: number;
  readonly reject: (error: PrescoreError) => void;
}

/**
 * Ends waiting for what does not come. One timer looks after all that is pending, twenty times within the limit: a timer of its
 * own for every command cost 4 of the 20 us that a lookup takes here.
 */
export class Deadline {
  private readonly limitMs: number;
  private readonly where: string;
  private readonly pending = new ChurnSet<Pending>();
  private timer: NodeJS.Timeout | null = null;

  constructor(limitMs: number, where: string) {
    this.limitMs = limitMs;
    this.where = where;
  }

  /** The result of the task; what comes later than the limit (and a twentieth) is dropped. Errors: PREDICTIONS_UNAVAILABLE. */
  within<T>(task: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Pending = { until: performance.now() + this.limitMs, reject };
      this.pending.add(entry);
      this.timer ??= setInterval(() => this.tick(), Math.ceil(this.limitMs / TICKS));
      task.then(
        (value) => {
          this.pending.delete(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.pending.delete(entry);
          reject(error);
        },
      );
    });
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private tick(): void {
    // Nothing to look after: the process may end.
    if (this.pending.size === 0) {
      this.close();
      return;
    }
    const now = performance.now();
    for (const entry of this.pending) {
      // In the order in which they came, so the others have more time.
      if (entry.until > now) return;
      this.pending.delete(entry);
      const what = `no reply within ${this.limitMs / 1000} s`;
      entry.reject(new PrescoreError('PREDICTIONS_UNAVAILABLE', { what, where: this.where }));
    }
  }
}
