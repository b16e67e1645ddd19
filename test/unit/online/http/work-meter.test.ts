import { beforeEach, describe, expect, it } from 'vitest';
import { WorkMeter } from '../../../../src/online/http/work-meter.ts';

const BYTES = 600;
/** Weight of a request: its bytes and what it costs beside them. */
const WEIGHT = 1_000;

let usedMs = 0;
let now = 0;
let meter: WorkMeter;

beforeEach(() => {
  usedMs = 0;
  now = performance.now();
  meter = new WorkMeter(() => usedMs);
});

/** Requests of kinds, each so many and so dear, in one window of the meter. */
function window(...kinds: readonly (readonly [name: string, count: number, ms: number])[]): void {
  for (const [name, count, ms] of kinds) {
    for (let i = 0; i < count; i++) {
      const work = meter.work(name, BYTES);
      meter.add(work);
      meter.finish(work);
      usedMs += ms;
    }
  }
  now += 1_000;
  meter.look(now);
}

/** What one request of a kind is thought to cost. */
function costOf(name: string): number {
  const work = meter.work(name, BYTES);
  meter.add(work);
  const ms = meter.waitingMs;
  meter.remove(work);
  return ms;
}

describe('the work meter', () => {
  it('knows no cost before the first window, and follows it as it changes', () => {
    expect(costOf('a')).toBe(0);
    window(['a', 100, 1]);
    expect(costOf('a')).toBeCloseTo(1, 6);
    for (let i = 0; i < 30; i++) window(['a', 100, 3]);
    expect(costOf('a')).toBeCloseTo(3, 2);
  });

  it('tells kinds apart that come in changing mixtures', () => {
    for (let i = 0; i < 60; i++) window(['cheap', 20 + (i % 3) * 200, 0.1], ['dear', 200 - (i % 3) * 80, 2]);
    expect(costOf('cheap')).toBeGreaterThan(0.05);
    expect(costOf('cheap')).toBeLessThan(0.2);
    expect(costOf('dear')).toBeGreaterThan(1.8);
    expect(costOf('dear')).toBeLessThan(2.2);
  });

  it('keeps the price of a kind while others come alone', () => {
    window(['dear', 100, 2]);
    for (let i = 0; i < 50; i++) window(['cheap', 1_000, 0.01]);
    expect(costOf('dear')).toBeCloseTo(2, 6);
    expect(costOf('cheap')).toBeCloseTo(0.01, 3);
  });

  it('takes a new kind for as dear as what came last', () => {
    window(['a', 100, 1]);
    expect(costOf('b')).toBeCloseTo(1, 6);
  });

  it('learns nothing from windows in which hardly anything was done, nor trebles a price in one', () => {
    window(['a', 100, 1]);
    window(['a', 1, 500]);
    expect(costOf('a')).toBeCloseTo(1, 6);
    window(['a', 100, 1_000]);
    expect(costOf('a')).toBeCloseTo(2, 6);
  });

  it('weighs a request by its bytes, and by one part that all have', () => {
    window(['a', 100, 1]);
    const large = meter.work('a', String(10 * WEIGHT - (WEIGHT - BYTES)));
    meter.add(large);
    expect(meter.waitingMs).toBeCloseTo(10, 6);
  });
});
