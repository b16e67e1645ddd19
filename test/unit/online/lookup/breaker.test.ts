import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecentMisses } from '../../../../src/online/live/recent-misses.ts';
import { Breaker, type BreakerState } from '../../../../src/online/lookup/breaker.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a breaker', () => {
  it('opens after failures in a row, probes with growing pauses, closes when the probe succeeds', async () => {
    const states: BreakerState[] = [];
    const probes: number[] = [];
    let isBack = false;
    const breaker = new Breaker({
      failures: 3,
      firstMs: 100,
      longestMs: 400,
      probe: () => {
        probes.push(Date.now());
        return isBack ? Promise.resolve() : Promise.reject(new RangeError('away'));
      },
      onChange: (state) => states.push(state),
    });
    const start = Date.now();
    breaker.fail();
    breaker.fail();
    breaker.succeeded();
    breaker.fail();
    breaker.fail();
    expect(breaker.state).toBe('closed');
    breaker.fail();
    expect(breaker.state).toBe('open');
    // What was asked before it opened changes nothing.
    breaker.succeeded();
    breaker.fail();
    expect(breaker.state).toBe('open');
    await vi.advanceTimersByTimeAsync(1_200);
    expect(probes.map((at) => at - start)).toEqual([100, 300, 700, 1100]);
    isBack = true;
    await vi.advanceTimersByTimeAsync(400);
    expect(breaker.state).toBe('closed');
    expect(states.slice(0, 3)).toEqual(['open', 'half-open', 'open']);
    expect(states.slice(-2)).toEqual(['half-open', 'closed']);
    // Pauses begin anew.
    isBack = false;
    for (let i = 0; i < 3; i++) breaker.fail();
    const again = Date.now();
    await vi.advanceTimersByTimeAsync(100);
    expect(probes.at(-1)! - again).toBe(100);
    breaker.close();
    const count = probes.length;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(probes).toHaveLength(count);
  });
});

describe('a short memory', () => {
  it('forgets after its time, and the oldest first when it is full', () => {
    const memory = new RecentMisses(1_000, 2);
    memory.add('a');
    memory.add('b');
    memory.add('a');
    memory.add('c');
    expect(['a', 'b', 'c'].map((k) => memory.has(k))).toEqual([true, false, true]);
    vi.advanceTimersByTime(1_001);
    expect(['a', 'c'].map((k) => memory.has(k))).toEqual([false, false]);
    const none = new RecentMisses(0);
    none.add('a');
    expect(none.has('a')).toBe(false);
  });
});
