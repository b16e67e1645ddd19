import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest, RunOrder } from '../../../src/base/contract/records.ts';
import { compareOrder, isSuperseded, orderAfter, superseded } from '../../../src/run/ledger/run-order.ts';

const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}T00:00:00Z`;
const planned = (hour: number): string => `2026-12-01T${String(hour).padStart(2, '0')}:00:00.000Z`;
const run = (slot: number | null, hour: number, attempt = 1): RunOrder => ({
  logicalTime: slot === null ? null : day(slot),
  createdAt: planned(hour),
  attempt,
});
/** A manifest, as far as its order goes. */
const committed = (order: RunOrder, n = 1): Manifest =>
  ({ n, runId: `r${n}`, committedAt: planned(23), outputUri: 'file:///out', order }) as Manifest;
const chainOf = (...runs: RunOrder[]): Manifest | null =>
  runs.reduce<Manifest | null>((current, next) => committed(orderAfter(next, current), (current?.n ?? 0) + 1), null);

describe('which run may take the place of another', () => {
  it.each([
    ['a slot, after a run without a time', [run(null, 10)], run(1, 11), false],
    ['the same slot again, planned later', [run(2, 1)], run(2, 2), false],
    ['the same slot, planned earlier', [run(2, 2)], run(2, 1), true],
    ['a later slot, although planned earlier', [run(2, 5)], run(3, 1), false],
    ['an earlier slot', [run(3, 1)], run(2, 9), true],
    ['a run without a time, planned later', [run(3, 1)], run(null, 2), false],
    ['a run without a time, planned earlier', [run(3, 2)], run(null, 1), true],
    ['an earlier slot than the one below a run without a time', [run(3, 1), run(null, 2)], run(2, 9), true],
    ['the next slot after a run without a time', [run(3, 1), run(null, 9)], run(4, 2), false],
    ['the slot below a run without a time, planned anew', [run(3, 1), run(null, 2)], run(3, 4, 2), false],
  ])('%s', (_, before, next, isRefused) => {
    expect(isSuperseded(next, chainOf(...before))).toBe(isRefused);
  });

  it('whatever comes, the order along a chain only grows', () => {
    const runs = fc
      .tuple(fc.option(fc.integer({ min: 1, max: 4 })), fc.integer({ min: 0, max: 9 }))
      .map(([s, h]) => run(s, h));
    fc.assert(
      fc.property(fc.array(runs, { maxLength: 12 }), (all) => {
        const commits: Manifest[] = [];
        const slots = [''];
        for (const next of all) {
          const current = commits.at(-1) ?? null;
          if (isSuperseded(next, current)) continue;
          const order = orderAfter(next, current);
          if (current !== null) expect(compareOrder(order, current.order)).toBeGreaterThanOrEqual(0);
          commits.push(committed(order, commits.length + 1));
          if (next.logicalTime !== null) slots.push(next.logicalTime);
          // No slot is ever committed after a later one, and each commit knows the newest.
          expect([order.logicalTime ?? '', slots]).toEqual([slots.at(-1), [...slots].sort()]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('says what is committed, what would be needed and how to force', () => {
    const error = superseded(run(2, 9), chainOf(run(3, 1))!);
    expect(error.message).toContain(`r1, committed at ${planned(23)}, is newer`);
    expect(error.message).toContain(day(3));
    expect(error.message).toContain(day(2));
    expect(error.fix).toContain('--force');
  });
});
