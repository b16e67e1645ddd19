import { expect, test } from 'vitest';
import type { PlannedChunk } from '../../../../src/base/contract/plan.ts';
import type { ChunkResult } from '../../../../src/base/contract/records.ts';
import { PrescoreError, toErrorJson } from '../../../../src/base/errors/prescore-error.ts';
import type { ChunkOutcome } from '../../../../src/scoring/child/messages.ts';
import { ChunkDispatcher } from '../../../../src/scoring/pool/chunk-dispatcher.ts';
import type { ScorerProcess } from '../../../../src/scoring/pool/scorer-process.ts';
import type { Seat } from '../../../../src/scoring/pool/seat.ts';

/** A child as the dispatcher sees it: what it was asked, and whether it was ended. */
class Child {
  readonly asked: { readonly n: number; resolve(outcomes: ChunkOutcome[]): void; reject(error: Error): void }[] = [];
  isKilled = false;
  private ids = 0;

  request({ chunks }: { readonly chunks: readonly PlannedChunk[] }) {
    const reply = new Promise<ChunkOutcome[]>((resolve, reject) =>
      this.asked.push({ n: chunks[0]!.n, resolve, reject }),
    );
    return { id: ++this.ids, reply };
  }

  kill(): void {
    this.isKilled = true;
  }

  get process(): ScorerProcess {
    return this as unknown as ScorerProcess;
  }
}

const newSeat = (child: Child): Seat => ({
  threads: 1,
  process: child.process,
  ready: Promise.resolve(null),
  isReady: true,
  deaths: 0,
  tasks: new Map(),
  reductions: 0,
  busyBeats: 0,
});
const chunk = (n: number): PlannedChunk => ({ n, rows: 1e6, bytes: 1e8, slices: [] }) as unknown as PlannedChunk;
const done: ChunkOutcome = { ok: true, result: { rowsIn: 1, timings: { runMs: 7 } } as ChunkResult };
const broken = new PrescoreError('SCORER_CRASHED', { what: 'the device failed', data: { device: true } });

/** What the pool does when a child is gone: its other requests fail, and the seat has a new child. */
function replace(seat: Seat, old: Child): Child {
  const child = new Child();
  seat.process = child.process;
  seat.isReady = true;
  for (const { reject } of old.asked.slice(1)) reject(broken);
  return child;
}

test('a failure of the device ends the child that had it, not the one that comes after', async () => {
  const first = new Child();
  const seat = newSeat(first);
  const dispatcher = new ChunkDispatcher([seat]);
  const results = [0, 1].map((n) =>
    dispatcher.score({ runId: 'r', chunk: chunk(n), files: [], onRows: () => undefined }),
  );
  expect(first.asked.map((one) => one.n)).toEqual([0, 1]);
  first.asked[0]!.resolve([{ ok: false, error: toErrorJson(broken, true) }]);
  await expect.poll(() => first.isKilled).toBe(true);
  expect(seat.isReady).toBe(false);

  const second = replace(seat, first);
  dispatcher.dispatch();
  await expect.poll(() => second.asked.map((one) => one.n).sort()).toEqual([0, 1]);
  expect(second.isKilled).toBe(false);
  for (const { resolve } of second.asked) resolve([done]);
  expect((await Promise.all(results)).map((result) => result.attempt)).toEqual([2, 2]);
  expect(dispatcher.modelMs).toBe(14);
});

test('a chunk whose device fails three times is given up, with its place', async () => {
  const child = new Child();
  const seat = newSeat(child);
  const dispatcher = new ChunkDispatcher([seat]);
  const result = dispatcher.score({ runId: 'r', chunk: chunk(4), files: [], onRows: () => undefined });
  result.catch(() => undefined);
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect.poll(() => child.asked.length).toBe(attempt + 1);
    child.asked[attempt]!.reject(broken);
    await expect.poll(() => seat.isReady || seat.tasks.size === 0).toBe(true);
    seat.isReady = true;
    dispatcher.dispatch();
  }
  await expect(result).rejects.toMatchObject({
    code: 'SCORER_CRASHED',
    details: { where: expect.stringContaining('chunk 4 of r, attempt 3') },
  });
});
