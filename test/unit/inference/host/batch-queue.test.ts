import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchQueue, type QueueEntry } from '../../../../src/inference/host/batch-queue.ts';

interface Entry extends QueueEntry {
  readonly id: number;
}

let ids = 0;
function entry(rows: number, changes: Partial<Entry> = {}): Entry {
  return { id: ++ids, rows, bytes: rows * 8, key: '', priority: 0, queuedAt: 0, deadlineAt: 1000, ...changes };
}

function queueOf(...entries: readonly Entry[]): BatchQueue<Entry> {
  const queue = new BatchQueue<Entry>({ maxBatchRows: 8, maxQueueRows: 100, maxQueueBytes: 10_000, maxDelayMs: 0 });
  for (const one of entries) expect(queue.add(one)).toBe(true);
  return queue;
}

/** The next batch as [position in `entries`, from, count]. */
function batch(queue: BatchQueue<Entry>, entries: readonly Entry[], now = 0): number[][] {
  return queue.next(now).cuts.map(({ entry: one, from, count }) => [entries.indexOf(one), from, count]);
}

describe('batches', () => {
  it('hold whole requests, counted by rows; what does not fit lets smaller ones pass and is first in the next', () => {
    const entries = [entry(3), entry(4), entry(5), entry(1)];
    const queue = queueOf(...entries);
    expect(queue.isFull()).toBe(true);
    expect(batch(queue, entries)).toEqual([
      [0, 0, 3],
      [1, 0, 4],
      [3, 0, 1],
    ]);
    expect(queue.isFull()).toBe(false);
    expect(batch(queue, entries)).toEqual([[2, 0, 5]]);
    expect(batch(queue, entries)).toEqual([]);
    expect([queue.rows, queue.bytes]).toEqual([0, 0]);
  });

  it('cut a request that is larger than a batch; after each cut it stands behind the others', () => {
    const entries = [entry(20), entry(2), entry(3)];
    const queue = queueOf(...entries);
    expect(batch(queue, entries)).toEqual([[0, 0, 8]]);
    expect(queue.rows).toBe(17);
    expect(batch(queue, entries)).toEqual([
      [1, 0, 2],
      [2, 0, 3],
    ]);
    expect(batch(queue, entries)).toEqual([[0, 8, 8]]);
    queue.add(entry(3));
    expect(batch(queue, entries)).toEqual([
      [0, 16, 4],
      [-1, 0, 3],
    ]);
    expect([queue.rows, queue.bytes]).toEqual([0, 0]);
  });

  it('hold one key only', () => {
    const entries = [entry(1, { key: 'a' }), entry(1, { key: 'b' }), entry(1, { key: 'a' })];
    const queue = queueOf(...entries);
    expect(batch(queue, entries)).toEqual([
      [0, 0, 1],
      [2, 0, 1],
    ]);
    expect(batch(queue, entries)).toEqual([[1, 0, 1]]);
  });

  it('take 1 before 2, and 0 last', () => {
    const entries = [entry(8, { priority: 0 }), entry(8, { priority: 2 }), entry(8, { priority: 1 })];
    const queue = queueOf(...entries);
    expect([1, 2, 3].map(() => batch(queue, entries)[0]![0])).toEqual([2, 1, 0]);
  });

  it('leave out what is too late, also what is cut already', () => {
    const entries = [entry(10, { deadlineAt: 5 }), entry(1, { deadlineAt: 6 })];
    const queue = queueOf(...entries);
    expect(batch(queue, entries, 4)).toEqual([[0, 0, 8]]);
    const { cuts, late } = queue.next(5);
    expect(cuts.map((cut) => cut.entry)).toEqual([entries[1]]);
    expect(late).toEqual([entries[0]]);
    expect([queue.rows, queue.bytes]).toEqual([0, 0]);
  });

  it('wait for more rows as long as the first may, unless they are full', () => {
    const limits = { maxBatchRows: 4, maxQueueRows: 100, maxQueueBytes: 10_000, maxDelayMs: 3 };
    const queue = new BatchQueue<Entry>(limits);
    expect(queue.readyAt()).toBe(null);
    queue.add(entry(1, { key: 'a', queuedAt: 10 }));
    queue.add(entry(4, { key: 'b', queuedAt: 11 }));
    expect(queue.readyAt()).toBe(13);
    queue.add(entry(3, { key: 'a', queuedAt: 12 }));
    expect(queue.readyAt()).toBe(10);
  });
});

describe('the bounds of a queue', () => {
  it.each(['rows', 'bytes'] as const)('in %s hold at the limit and one above', (what) => {
    const limits = { maxBatchRows: 8, maxQueueRows: 1e6, maxQueueBytes: 1e6, maxDelayMs: 0 };
    const queue = new BatchQueue<Entry>(
      what === 'rows' ? { ...limits, maxQueueRows: 10 } : { ...limits, maxQueueBytes: 10 },
    );
    const one = (n: number): Entry => entry(what === 'rows' ? n : 1, { bytes: what === 'rows' ? 1 : n });
    const first = one(9);
    expect(queue.add(first)).toBe(true);
    expect(queue.add(one(2))).toBe(false);
    const second = one(1);
    expect(queue.add(second)).toBe(true);
    expect(queue.add(one(1))).toBe(false);
    queue.remove(first);
    queue.remove(first);
    expect(queue.add(one(9))).toBe(true);
    expect(queue.add(one(1))).toBe(false);
    expect(queue.clear()).toHaveLength(2);
    expect([queue.rows, queue.bytes, queue.readyAt()]).toEqual([0, 0, null]);
    // Nothing is refused for ever.
    expect(queue.add(one(11))).toBe(true);
  });
});

/** One step of a simulated server: a request comes, somebody goes, or the model is free. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    rows: fc.integer({ min: 1, max: 25 }),
    key: fc.constantFrom('a', 'b', 'c'),
    priority: fc.integer({ min: 0, max: 3 }),
    patience: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('score' as const), tookMs: fc.integer({ min: 0, max: 10 }) }),
);

describe('any course of requests', () => {
  it('each row is scored once for its owner, or its request was refused, left or was late; the first is never passed over', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const limits = { maxBatchRows: 8, maxQueueRows: 60, maxQueueBytes: 400, maxDelayMs: 0 };
        const queue = new BatchQueue<Entry>(limits);
        const waiting = new Map<Entry, boolean[]>();
        let now = 0;
        const score = (): void => {
          const { cuts, late } = queue.next(now);
          for (const one of late) {
            expect(one.deadlineAt).toBeLessThanOrEqual(now);
            expect(waiting.delete(one)).toBe(true);
          }
          const best = [...waiting.keys()].map(({ priority }) => priority || 9);
          expect(cuts.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(limits.maxBatchRows);
          expect(new Set(cuts.map((cut) => cut.entry.key)).size).toBeLessThanOrEqual(1);
          if (cuts.length > 0) expect(cuts[0]!.entry.priority || 9).toBe(Math.min(...best));
          for (const { entry: one, from, count } of cuts) {
            expect(one.deadlineAt).toBeGreaterThan(now);
            expect(count === one.rows || one.rows > limits.maxBatchRows).toBe(true);
            const rows = waiting.get(one)!;
            for (let row = from; row < from + count; row++) {
              expect(rows[row]).toBe(false);
              rows[row] = true;
            }
            if (rows.every(Boolean)) waiting.delete(one);
          }
        };
        for (const one of steps) {
          if (one.kind === 'add') {
            const made = entry(one.rows, { ...one, queuedAt: now, deadlineAt: now + one.patience });
            const before = queue.rows;
            if (queue.add(made)) waiting.set(made, new Array<boolean>(one.rows).fill(false));
            else expect(before + one.rows > limits.maxQueueRows || queue.bytes + made.bytes > 400).toBe(true);
          } else if (one.kind === 'leave') {
            const gone = [...waiting.keys()][one.which % Math.max(1, waiting.size)];
            if (gone !== undefined) {
              queue.remove(gone);
              waiting.delete(gone);
            }
          } else {
            score();
            now += one.tookMs;
          }
          const left = [...waiting.values()].flat().filter((done) => !done).length;
          expect(queue.rows).toBe(left);
          expect(queue.bytes).toBe([...waiting.keys()].reduce((sum, { bytes }) => sum + bytes, 0));
        }
        for (let i = 0; i < 200 && queue.rows > 0; i++) score();
        expect([waiting.size, queue.rows, queue.bytes, queue.readyAt()]).toEqual([0, 0, 0, null]);
      }),
      { numRuns: 300 },
    );
  });
});
