import { setTimeout as sleep } from 'node:timers/promises';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Logger } from '../../base/telemetry/logger.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const TOLD_EVERY = 10;

/**
 * Steps that are done one after the other, each until it works. What fails of the moment (a Redis, the scorer) is tried again
 * with growing pauses, however long it takes: the stream holds the events.
 */
export class RetryLane {
  private readonly log: Logger;
  private readonly end: AbortSignal;
  private readonly onFailure: (error: unknown) => Promise<void>;
  private failures = 0;
  /** Why the step that is being done does not work; null when it does. */
  problem: string | null = null;

  /** `end` ends pauses and steps; `onFailure` may mend something before the next attempt. */
  constructor(log: Logger, end: AbortSignal, onFailure: (error: unknown) => Promise<void>) {
    this.log = log;
    this.end = end;
    this.onFailure = onFailure;
  }

  /** Errors: those of the step that are not of the moment; AbortError. */
  async until<T>(what: string, step: () => Promise<T>): Promise<T> {
    while (true) {
      this.end.throwIfAborted();
      try {
        const result = await step();
        if (this.failures > 0) this.log.info({ failures: this.failures }, `${what} works again`);
        this.failures = 0;
        this.problem = null;
        return result;
      } catch (error) {
        this.end.throwIfAborted();
        await this.failed(what, error);
      }
    }
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.end }).catch(() => undefined);
    this.end.throwIfAborted();
  }

  private async failed(what: string, error: unknown): Promise<void> {
    const { code, message, details } = toPrescoreError(error);
    if (!isOfTheMoment(code)) throw error;
    this.problem = `${what}: ${message}`;
    if (this.failures % TOLD_EVERY === 0)
      this.log.warn({ code, failures: this.failures + 1 }, `${what}: ${details.what}`);
    this.failures++;
    await this.onFailure(error);
    await this.pause(Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS));
  }
}

// A full or read-only store is mended by people, and the stream holds the events until then.
function isOfTheMoment(code: string): boolean {
  return /^(STREAM|PREDICTIONS|LIVE)_/.test(code) && code !== 'LIVE_REQUEST' && code !== 'LIVE_MODEL_UNKNOWN';
}
