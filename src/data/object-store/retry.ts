/** Time and chance, injected so that tests need neither. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Ends early, without an error, when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish, { once: true });
    }),
};

/** All in milliseconds. */
export interface RetryPolicy {
  /** The first delay is drawn from [0, baseDelayMs), each further one from twice as much, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Limit of one attempt. */
  readonly attemptMs: number;
  /** Limit of all attempts and delays together; progress extends it. */
  readonly deadlineMs: number;
}

/** What a failure means for the loop: whether to try again, not before when, and how often at most in all. */
export type Verdict =
  | { readonly retry: false }
  | { readonly retry: true; readonly atLeastMs?: number; readonly atMostAttempts?: number };

export interface Attempt {
  /** Counted from 1. */
  readonly number: number;
  /** Fires when the attempt has run out of time or the store is closed. */
  readonly signal: AbortSignal;
  /** Says that something was gained: the next delay starts small again, and the deadline moves by `extendMs`. */
  progress(extendMs: number): void;
}

/** How a loop ended without a result. */
export interface Outcome {
  readonly attempts: number;
  readonly elapsedMs: number;
  /** True when the failure was worth another try and only time or tries ran out. */
  readonly exhausted: boolean;
}

export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** Fires when the store is closed: no further attempts. */
  readonly closing: AbortSignal;
  judge(error: unknown): Verdict;
  /** The error that leaves the loop. */
  report(error: unknown, outcome: Outcome): Error;
  /** Called before each delay. */
  onRetry?(error: unknown, attempt: number, delayMs: number): void;
}

/** An attempt that ran out of time; its name and code are what failure judges look at. */
export class AttemptTimeout extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(ms: number) {
    super(`no answer within ${Math.round(ms)} ms`);
    this.name = 'TimeoutError';
  }
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the deadline passes: exponential backoff with full jitter. Returns
 * within the deadline even if an attempt ignores its signal.
 *
 * Errors: what `report` makes of the last failure. Repeat: as safe as the attempt is.
 */
export async function retry<T>(options: RetryOptions, attempt: (a: Attempt) => Promise<T>): Promise<T> {
  const { policy, clock, closing } = options;
  const start = clock.now();
  // Failures since the last progress: they set the size of the next delay.
  let failures = 0;
  let { deadlineMs } = policy;
  const progress = (extendMs: number): void => {
    failures = 0;
    deadlineMs += extendMs;
  };
  for (let number = 1; ; number++) {
    const left = deadlineMs - (clock.now() - start);
    try {
      const limit = Math.max(1, Math.min(policy.attemptMs, left));
      return await limited(limit, closing, (signal) => attempt({ number, signal, progress }));
    } catch (error) {
      const verdict = options.judge(error);
      const elapsedMs = clock.now() - start;
      if (!verdict.retry || closing.aborted)
        throw options.report(error, { attempts: number, elapsedMs, exhausted: false });
      failures++;
      const delay = delayOf(policy, failures, clock.random(), verdict.atLeastMs ?? 0);
      if (number >= (verdict.atMostAttempts ?? Infinity) || elapsedMs + delay >= deadlineMs) {
        throw options.report(error, { attempts: number, elapsedMs, exhausted: true });
      }
      options.onRetry?.(error, number, delay);
      await clock.sleep(delay, closing);
      if (closing.aborted) throw options.report(error, { attempts: number, elapsedMs, exhausted: false });
    }
  }
}

/** Full jitter: anything from nothing to the exponential limit, but not less than the server asked for. */
export function delayOf(policy: RetryPolicy, failures: number, random: number, atLeastMs: number): number {
  const limit = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(random * limit, atLeastMs);
}

/** Races the work against its time limit and the closing signal; whichever ends first also fires the work's signal. */
function limited<T>(ms: number, closing: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (closing.aborted) return Promise.reject(new Error(CLOSED));
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const release = (): void => {
      clearTimeout(timer);
      closing.removeEventListener('abort', onClosing);
    };
    const cancel = (reason: Error): void => {
      release();
      reject(reason);
      controller.abort(reason);
    };
    const onClosing = (): void => cancel(new Error(CLOSED));
    const timer = setTimeout(() => cancel(new AttemptTimeout(ms)), ms);
    closing.addEventListener('abort', onClosing, { once: true });
    work(controller.signal).then(resolve, reject).finally(release);
  });
}

const CLOSED = 'the store was closed';
