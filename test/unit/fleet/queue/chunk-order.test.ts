import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedChunk } from '../../../../src/base/contract/plan.ts';
import { ChunkOrder } from '../../../../src/fleet/queue/chunk-order.ts';

const chunksOf = (sizes: readonly number[]): PlannedChunk[] =>
  sizes.map((bytes, n) => ({ n, bytes, rows: 1, slices: [] }));

describe('the lanes of a run', () => {
  it('bring every chunk into the queue once, longest first, never more than a window at a time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat()),
        (sizes, window, random) => {
          const order = new ChunkOrder(chunksOf(sizes), window);
          const queued = order.heads();
          expect(queued).toHaveLength(Math.min(window, sizes.length));
          expect(queued.map((n) => sizes[n])).toEqual([...sizes].sort((a, b) => b - a).slice(0, window));
          const scored: number[] = [];
          while (queued.length > 0) {
            const [n] = queued.splice(random.next().value % queued.length, 1);
            scored.push(n!);
            order.markDone(n!);
            const next = order.after(n!);
            if (next !== null) queued.push(next);
            expect(queued.length).toBeLessThanOrEqual(window);
          }
          expect([...scored].sort((a, b) => a - b)).toEqual(sizes.map((_, n) => n));
        },
      ),
    );
  });

  it('leave out what is done already', () => {
    const order = new ChunkOrder(chunksOf([1, 1, 1, 1, 1, 1]), 2);
    order.markDone(2);
    order.markDone(2);
    expect(order.known).toBe(1);
    expect(order.after(0)).toBe(4);
    expect(order.after(5)).toBeNull();
    expect(order.heads()).toEqual([0, 1]);
  });
});
