import { describe, expect, it } from 'vitest';
import {
  type Attempt,
  type Clock,
  delayOf,
  type Outcome,
  type RetryPolicy,
  retry,
  systemClock,
  type Verdict,
} from '../../../../src/data/object-store/retry.ts';

const POLICY: RetryPolicy = { baseDelayMs: 100, maxDelayMs: 1_000, attemptMs: 60_000, deadlineMs: 10_000 };

class Reported extends Error {
  readonly outcome: Outcome;
  constructor(cause: unknown, outcome: Outcome) {
    super('reported', { cause });
    this.outcome = outcome;
  }
}

/** A clock that stands still between sleeps and remembers them. */
function fakeClock(random = 1): Clock & { readonly slept: number[]; advance(ms: number): void } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    random: () => random,
    advance: (ms) => {
      now += ms;
    },
    sleep: (ms) => {
      slept.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
}

interface Overrides {
  readonly clock?: Clock;
  readonly policy?: Partial<RetryPolicy>;
  readonly judge?: (error: unknown) => Verdict;
  readonly closing?: AbortSignal;
}

function run<T>(
  attempt: (a: Attempt) => Promise<T>,
  { clock = fakeClock(), policy = {}, judge, closing }: Overrides = {},
): Promise<T> {
  return retry(
    {
      policy: { ...POLICY, ...policy },
      clock,
      closing: closing ?? new AbortController().signal,
      judge: judge ?? (() => ({ retry: true })),
      report: (error, outcome) => new Reported(error, outcome),
    },
    attempt,
  );
}

const failing = (): Promise<never> => Promise.reject(new Error('no'));

describe('retry', () => {
  it('returns the first success', async () => {
    const clock = fakeClock();
    expect(await run(({ number }) => (number < 4 ? failing() : Promise.resolve(number)), { clock })).toBe(4);
    expect(clock.slept).toEqual([100, 200, 400]);
  });

  it('doubles up to the limit and ends at the deadline', async () => {
    const clock = fakeClock();
    const error = await run(failing, { clock }).catch((e: unknown) => e);
    expect(error).toMatchObject({ outcome: { exhausted: true } });
    expect(clock.slept.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(clock.now()).toBeLessThanOrEqual(10_000);
    // The next delay would not have fitted any more.
    expect(clock.now()).toBeGreaterThan(9_000);
  });

  it('draws the whole delay at random', () => {
    expect(delayOf(POLICY, 1, 0, 0)).toBe(0);
    expect(delayOf(POLICY, 3, 0.25, 0)).toBe(100);
    expect(delayOf(POLICY, 500, 0.5, 0)).toBe(500);
    expect(delayOf(POLICY, 1, 0.5, 700)).toBe(700);
  });

  it('does not repeat what is final', async () => {
    const clock = fakeClock();
    await expect(run(failing, { clock, judge: () => ({ retry: false }) })).rejects.toMatchObject({
      outcome: { attempts: 1, exhausted: false },
    });
    expect(clock.slept).toEqual([]);
  });

  it('counts attempts where a failure allows only some', async () => {
    await expect(run(failing, { judge: () => ({ retry: true, atMostAttempts: 3 }) })).rejects.toMatchObject({
      outcome: { attempts: 3, exhausted: true },
    });
  });

  it('does not start a wait that ends after the deadline', async () => {
    const clock = fakeClock();
    await expect(run(failing, { clock, judge: () => ({ retry: true, atLeastMs: 20_000 }) })).rejects.toMatchObject({
      outcome: { attempts: 1 },
    });
    expect(clock.slept).toEqual([]);
  });

  it('starts small again after progress, which also moves the deadline', async () => {
    const clock = fakeClock();
    const work = async ({ number, progress }: Attempt): Promise<number> => {
      clock.advance(4_000);
      if (number <= 5) progress(4_000);
      if (number === 6) return number;
      return failing();
    };
    expect(await run(work, { clock })).toBe(6);
    expect(clock.slept).toEqual([100, 100, 100, 100, 100]);
  });

  it('ends an attempt that ignores its signal', async () => {
    const started = performance.now();
    let signal: AbortSignal | undefined;
    const deaf = (a: Attempt): Promise<never> => {
      signal ??= a.signal;
      return new Promise(() => {});
    };
    const policy = { attemptMs: 50, deadlineMs: 200, baseDelayMs: 1 };
    const error = await run(deaf, { clock: systemClock, policy }).catch((e: unknown) => e);
    expect(error).toMatchObject({ cause: { name: 'TimeoutError', code: 'ETIMEDOUT' }, outcome: { exhausted: true } });
    expect(signal?.aborted).toBe(true);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('ends at once when the store is closed, in an attempt or in a delay', async () => {
    for (const attempt of [failing, () => new Promise<never>(() => {})]) {
      const closing = new AbortController();
      const policy = { baseDelayMs: 60_000, maxDelayMs: 60_000, deadlineMs: 600_000 };
      const clock = { ...systemClock, random: () => 0.9 };
      const work = run(attempt, { clock, policy, closing: closing.signal });
      setTimeout(() => closing.abort(), 20);
      await expect(work).rejects.toMatchObject({ outcome: { exhausted: false } });
      await expect(run(attempt, { clock, policy, closing: closing.signal })).rejects.toMatchObject({
        outcome: { attempts: 1 },
      });
    }
  });
});
