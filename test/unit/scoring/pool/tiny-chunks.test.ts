import { describe, expect, it } from 'vitest';
import type { QueuedTask } from '../../../../src/scoring/pool/seat.ts';
import { isTinyChunk, isWorthWaiting, takeTogether } from '../../../../src/scoring/pool/tiny-chunks.ts';

function task(n: number, changes: Partial<QueuedTask> = {}, rows: number | null = 10, bytes = 100): QueuedTask {
  const slices = [{ file: n, rowStart: 0, rowEnd: rows }];
  const chunk = { n, slices, rows, bytes };
  const none = (): void => undefined;
  return {
    runId: 'a',
    chunk,
    files: [],
    onRows: none,
    attempt: 1,
    shortages: 0,
    rows: 0,
    resolve: none,
    reject: none,
    ...changes,
  };
}

const tiny = (count: number): QueuedTask[] => Array.from({ length: count }, (_, n) => task(n));
const numbers = (tasks: readonly QueuedTask[]): number[] => tasks.map((t) => t.chunk.n);

describe('tiny chunks in the queue', () => {
  it('go sixteen at a time, or as many as there are for each child', () => {
    const queue = tiny(40);
    expect(numbers(takeTogether(queue, 40))).toEqual(numbers(tiny(16)));
    expect(queue).toHaveLength(24);
    expect(takeTogether(queue, 5)).toHaveLength(5);
    expect(takeTogether(tiny(1), 1)).toHaveLength(1);
  });

  it('are not taken together with others, with those of another run, or after a failure', () => {
    const others = [task(1, {}, 1000), task(1, {}, null), task(1, {}, 10, 2 ** 20), task(1, { attempt: 2 })];
    for (const other of others) {
      expect(numbers(takeTogether([task(0), other], 9))).toEqual([0]);
      expect(numbers(takeTogether([other, task(2), task(3)], 9))).toEqual([1]);
    }
    expect(numbers(takeTogether([task(0), task(1, { runId: 'b' })], 9))).toEqual([0]);
  });

  it('are as large as their slices', () => {
    const slices = Array.from({ length: 9 }, (_, file) => ({ file, rowStart: 0, rowEnd: 1 }));
    const wide = (n: number): QueuedTask => task(n, { chunk: { n, slices, rows: 9, bytes: 100 } });
    expect(numbers(takeTogether([wide(0), wide(1)], 9))).toEqual([0]);
    expect(isTinyChunk({ n: 0, slices: [...slices, ...slices], rows: 18, bytes: 100 })).toBe(false);
  });

  it('wait for more while there are few and nothing else', () => {
    expect(isWorthWaiting(tiny(15))).toBe(true);
    expect(isWorthWaiting(tiny(16))).toBe(false);
    expect(isWorthWaiting([...tiny(2), task(2, {}, 1000)])).toBe(false);
  });
});
