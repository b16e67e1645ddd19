import type { ServerResponse } from 'node:http';
import type { ServeLimits } from '../contract/serve-config.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { bodyOf, RETRY_AFTER_S } from './http-status.ts';

const TICK_MS = 20;
const REFUSAL = JSON.stringify({
  error: bodyOf(new PrescoreError('SERVER_OVERLOADED', { what: 'too many requests in work' })),
});

/**
 * Says whether one more request is taken: not when too many are in work, nor when the event loop runs late, which is how a
 * process shows that it has more to do than it can. Live inference is given up at half of the delay, so that lookups go on.
 */
export class Admission {
  inFlight = 0;
  /** Requests refused since the start. */
  refused = 0;
  /** Requests that came in since somebody last set it to 0. */
  entered = 0;
  /** Set by SIGTERM: the server is not ready any more. */
  isStopping = false;
  /** Set when the port is closed: answers then close their connection. */
  isClosing = false;
  /** Milliseconds by which the last two ticks came late, the lesser: one pause of the garbage collector is no overload. */
  loopDelayMs = 0;
  private readonly limits: Pick<ServeLimits, 'inFlight' | 'loopDelayMs'>;
  private readonly timer: NodeJS.Timeout;

  constructor(limits: Pick<ServeLimits, 'inFlight' | 'loopDelayMs'>) {
    this.limits = limits;
    let expected = performance.now() + TICK_MS;
    let before = 0;
    this.timer = setInterval(() => {
      const now = performance.now();
      const late = Math.max(0, now - expected);
      this.loopDelayMs = Math.min(before, late);
      before = late;
      expected = now + TICK_MS;
    }, TICK_MS).unref();
  }

  enter(): void {
    this.inFlight++;
    this.entered++;
  }

  leave(): void {
    this.inFlight--;
  }

  isOver(): boolean {
    return this.inFlight >= this.limits.inFlight || this.loopDelayMs > this.limits.loopDelayMs;
  }

  /** Whether live inference should wait for better times. */
  isLate(): boolean {
    return this.loopDelayMs > this.limits.loopDelayMs / 2;
  }

  /** Answers 503 without reading the request. */
  refuse(response: ServerResponse): void {
    this.refused++;
    response.writeHead(503, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': REFUSAL.length,
      'retry-after': String(RETRY_AFTER_S),
    });
    response.end(REFUSAL);
  }

  close(): void {
    clearInterval(this.timer);
  }
}
