import { hearSignals } from './hear-signals.ts';

const FINISH_MS = 20_000;

/**
 * Ctrl-C and SIGTERM: the first one stops handing out chunks and lets those in the scorers finish (20 s at most); the
 * second one ends at once. Either way the run resumes: records decide, not this process.
 */
export class StopSignals {
  readonly stop: AbortSignal;
  private readonly controller = new AbortController();
  private readonly off: () => void;
  private first: NodeJS.Signals | null = null;

  /** `graceMs`: how long what is in work may take after the first signal. */
  constructor(say: (text: string) => void, endNow: () => void, graceMs = FINISH_MS) {
    this.stop = this.controller.signal;
    const end = (): void => {
      endNow();
      process.exit(this.exitCode ?? 130);
    };
    this.off = hearSignals((signal) => {
      if (this.first !== null) {
        process.stderr.write('\nStopped at once. Start the same command again to resume.\n');
        end();
      }
      this.first = signal;
      say('Stopping: the chunks in work are finished first. Once more to stop at once.');
      this.controller.abort();
      setTimeout(end, graceMs).unref();
    });
  }

  /** 130 or 143 once a signal came, else null. */
  get exitCode(): number | null {
    if (this.first === null) return null;
    return this.first === 'SIGTERM' ? 143 : 130;
  }

  close(): void {
    this.off();
  }
}

/** For commands that change nothing: a signal ends them at once, with their scorers and scratch. Call what it gives when done. */
export function endOnSignal(endNow: () => void): () => void {
  return hearSignals((signal) => {
    endNow();
    process.exit(signal === 'SIGTERM' ? 143 : 130);
  });
}
