/** closed: asked as usual. open: not asked at all. half-open: a probe is on its way; requests still do not ask. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Pause before the first probe; doubled after each that fails, up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Asks the store something small. */
  readonly probe: () => Promise<unknown>;
  readonly onChange: (state: BreakerState) => void;
}

/**
 * Keeps requests from a store that does not answer. Requests never pay for finding out whether it is back: a probe of its own
 * does, so that an open breaker costs them nothing.
 */
export class Breaker {
  private current: BreakerState = 'closed';
  private failed = 0;
  private pauseMs: number;
  private timer: NodeJS.Timeout | null = null;
  private isClosed = false;
  private readonly options: BreakerOptions;

  constructor(options: BreakerOptions) {
    this.options = options;
    this.pauseMs = options.firstMs;
  }

  get state(): BreakerState {
    return this.current;
  }

  succeeded(): void {
    // An answer that was asked for before it opened proves little; the probe decides.
    if (this.current === 'closed') this.failed = 0;
  }

  fail(): void {
    if (this.current !== 'closed' || ++this.failed < this.options.failures) return;
    this.pauseMs = this.options.firstMs;
    this.open();
  }

  close(): void {
    this.isClosed = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private open(): void {
    if (this.isClosed) return;
    this.change('open');
    this.timer = setTimeout(() => void this.tryAgain(), this.pauseMs).unref();
    this.pauseMs = Math.min(this.pauseMs * 2, this.options.longestMs);
  }

  private async tryAgain(): Promise<void> {
    this.change('half-open');
    try {
      await this.options.probe();
      this.failed = 0;
      this.change('closed');
    } catch {
      this.open();
    }
  }

  private change(state: BreakerState): void {
    this.current = state;
    this.options.onChange(state);
  }
}
