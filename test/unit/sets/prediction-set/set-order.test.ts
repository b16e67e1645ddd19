import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SetOrder } from '../../../../src/base/contract/prediction-set.ts';
import { highestOrder, isNewer, latestKey } from '../../../../src/sets/prediction-set/set-order.ts';

const union = (manifests: Readonly<Record<string, number>>): SetOrder => ({ scope: 'union', manifests });
const latest = (logicalTime: string | null, createdAt: string, runId = 'r'): SetOrder => ({
  scope: 'latest',
  key: latestKey({ logicalTime, createdAt, attempt: 1 }, runId),
});
const vector = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', ''), fc.integer({ min: 1, max: 4 }))
  .map(union);

describe('the order of publications', () => {
  it('latest: slot, none before the first; then planning; then run id', () => {
    const orders = [
      latest(null, '2026-01-09T00:00:00.000Z'),
      latest('2020-01-01T00:00:00.000Z', '2026-01-05T00:00:00.000Z'),
      latest('2020-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'),
      latest('2020-01-02T00:00:00.000Z', '2026-01-04T00:00:00.000Z', 'a'),
      latest('2020-01-02T00:00:00.000Z', '2026-01-04T00:00:00.000Z', 'b'),
    ];
    for (const [i, a] of orders.entries()) for (const [k, b] of orders.entries()) expect(isNewer(a, b)).toBe(i > k);
  });

  it('union: ahead in one partition and behind in none', () => {
    const base = union({ a: 2, b: 5 });
    expect(isNewer(union({ a: 3, b: 5 }), base)).toBe(true);
    expect(isNewer(union({ a: 2, b: 5, c: 1 }), base)).toBe(true);
    for (const next of [{ a: 2, b: 5 }, { a: 3, b: 4 }, { a: 3 }, { a: 3, c: 9 }, {}])
      expect(isNewer(union(next), base)).toBe(false);
  });

  it('partitions may be called what objects have anyway', () => {
    expect(isNewer(union({ a: 2 }), union(JSON.parse('{"constructor":1}')))).toBe(false);
    expect(isNewer(union(JSON.parse('{"__proto__":2}')), union(JSON.parse('{"__proto__":1}')))).toBe(true);
  });

  it('another scope replaces the one before', () => {
    expect([isNewer(union({}), latest(null, 'x')), isNewer(latest(null, 'x'), union({ a: 1 }))]).toEqual([true, true]);
  });

  it('nothing is newer than itself, no two are newer than each other, and the highest is at least both', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        expect(isNewer(a, a)).toBe(false);
        expect(isNewer(a, b) && isNewer(b, a)).toBe(false);
        const high = highestOrder(a, b);
        expect([isNewer(a, high), isNewer(b, high)]).toEqual([false, false]);
        expect(highestOrder(high, a)).toEqual(high);
      }),
      { numRuns: 1000 },
    );
  });
});
