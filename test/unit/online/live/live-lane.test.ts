import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JobScoreRequest, JobScorer, JobScores } from '../../../../src/base/contract/job-scorer.ts';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import type { AskedKey } from '../../../../src/online/live/asked-key.ts';
import { LiveLane, newLiveTimes } from '../../../../src/online/live/live-lane.ts';

interface Call {
  readonly request: JobScoreRequest;
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

/** Our own seam, answered by hand: the value of a row is its feature x. */
function handScorer(): { readonly scorer: JobScorer; readonly calls: Call[] } {
  const calls: Call[] = [];
  const model = { name: 'm', version: '1', sha256: 'ab'.repeat(32) };
  const scorer: JobScorer = {
    job: 'j',
    model,
    features: [{ name: 'x', type: 'DOUBLE' }],
    values: [{ name: 'y', type: 'float64' }],
    score: (request) =>
      new Promise<JobScores>((resolve, reject) => {
        const rows = request.rows.map((row) => ({ values: { y: Number(row.values[0]) } }));
        const answer = (): void => resolve({ model, rows, queueMs: 1, computeMs: 2, batchRows: rows.length });
        calls.push({ request, answer, fail: reject });
      }),
  };
  return { scorer, calls };
}

function lane(maxRows = 256): { readonly live: LiveLane; readonly calls: Call[]; readonly scored: string[] } {
  const { scorer, calls } = handScorer();
  const scored: string[] = [];
  const live = new LiveLane({
    scorer,
    hashes: null,
    deadlineMs: 1000,
    queueTimeMs: 50,
    maxRows,
    negativeForMs: 0,
    onScored: (row) => scored.push(row.id),
  });
  return { live, calls, scored };
}

/** As many turns of the event loop as a call may gather for. */
async function turn(): Promise<void> {
  for (let i = 0; i < 6; i++) await nextTurn();
}

const row = (id: string, x: number | null): AskedKey => ({
  key: id,
  id,
  name: id,
  features: x === null ? null : { names: ['x'], values: [x] },
});
const valuesOf = (outcomes: readonly unknown[]): unknown[] =>
  outcomes.map((o) => (o instanceof PrescoreError ? o.code : (o as { values: { y: number } }).values.y));

describe('live inference of keys', () => {
  it('a key is scored once, however many ask for it meanwhile', async () => {
    const { live, calls, scored } = lane();
    const asks = Array.from({ length: 10 }, () => live.score([row('a', 1)], null, newLiveTimes()));
    await turn();
    expect(calls).toHaveLength(1);
    calls[0]!.answer();
    expect((await Promise.all(asks)).map(valuesOf)).toEqual(Array.from({ length: 10 }, () => [1]));
    expect(scored).toEqual(['a']);
    void live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    expect(calls).toHaveLength(2);
  });

  it('rows of the next turns join a call as long as each brings more, and no longer than five', async () => {
    const { live, calls } = lane();
    for (let i = 0; i < 8; i++) {
      void live.score([row(`k${i}`, i)], null, newLiveTimes());
      await nextTurn();
    }
    await turn();
    expect(calls.map(({ request }) => request.rows.length)).toEqual([5, 3]);
    void live.score([row('alone', 1)], null, newLiveTimes());
    await nextTurn();
    await nextTurn();
    expect(calls).toHaveLength(3);
  });

  it('what has come while the model worked goes to it before the answers are given', async () => {
    const { live, calls } = lane();
    const first = live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    void live.score([row('b', 2)], null, newLiveTimes());
    calls[0]!.answer();
    await first;
    expect(calls.map(({ request }) => request.rows)).toEqual([[row('a', 1).features], [row('b', 2).features]]);
  });

  it('other features of the same key are another question', async () => {
    const { live, calls } = lane();
    const asks = [live.score([row('a', 1)], null, newLiveTimes()), live.score([row('a', 2)], null, newLiveTimes())];
    await turn();
    for (const call of calls) call.answer();
    expect((await Promise.all(asks)).map(valuesOf)).toEqual([[1], [2]]);
  });

  it('rows that are under way are joined, the others go together, in parts', async () => {
    const { live, calls } = lane(2);
    const first = live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    const all = live.score([row('b', 2), row('a', 1), row('none', null), row('c', 3)], null, newLiveTimes());
    await turn();
    expect(calls.map(({ request }) => request.rows.length)).toEqual([1, 1, 1]);
    for (const call of calls) call.answer();
    expect(valuesOf(await all)).toEqual([2, 1, 'FEATURES_NOT_FOUND', 3]);
    expect(valuesOf(await first)).toEqual([1]);
  });

  it('an error is that of every row, and is not remembered', async () => {
    const { live, calls } = lane();
    const asks = live.score([row('a', 1), row('b', 2)], null, newLiveTimes());
    await turn();
    calls[0]!.fail(new PrescoreError('LIVE_OVERLOADED', { what: 'full' }));
    expect(valuesOf(await asks)).toEqual(['LIVE_OVERLOADED', 'LIVE_OVERLOADED']);
    expect(live.isInFlight(row('a', 1))).toBe(false);
  });

  it('110: a call is cancelled when the last who waits for it has gone, and not before', async () => {
    const { live, calls } = lane();
    const [one, two] = [new AbortController(), new AbortController()];
    const asks = [
      live.score([row('a', 1)], one.signal, newLiveTimes()),
      live.score([row('a', 1)], two.signal, newLiveTimes()),
    ];
    await turn();
    one.abort();
    expect(calls[0]!.request.signal?.aborted).toBe(false);
    two.abort();
    expect(calls[0]!.request.signal?.aborted).toBe(true);
    calls[0]!.fail(new PrescoreError('LIVE_CANCELLED', { what: 'gone' }));
    expect((await Promise.all(asks)).map(valuesOf)).toEqual([['LIVE_CANCELLED'], ['LIVE_CANCELLED']]);
    // One that comes after is not cancelled with them.
    const later = live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    calls.at(-1)!.answer();
    expect(valuesOf(await later)).toEqual([1]);
  });

  it('what one turn asks for is one call; a key twice in one request is one row', async () => {
    const { live, calls } = lane();
    const times = [newLiveTimes(), newLiveTimes()];
    const asks = [
      live.score([row('a', 1), row('b', 2), row('a', 1)], null, times[0]!),
      live.score([row('c', 3)], null, times[1]!),
    ];
    await turn();
    expect(calls.map(({ request }) => request.rows.map(({ values }) => values))).toEqual([[[1], [2], [3]]]);
    calls[0]!.answer();
    expect((await Promise.all(asks)).map(valuesOf)).toEqual([[1, 2, 1], [3]]);
    expect(times).toMatchObject([
      { queueMs: 1, computeMs: 2 },
      { queueMs: 1, computeMs: 2 },
    ]);
    void live.score([row('d', 4)], null, newLiveTimes());
    await turn();
    expect(calls).toHaveLength(2);
  });

  it('what would wait too long is refused at once, until the model has caught up', async () => {
    const { live, calls } = lane();
    const first = live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    // Two milliseconds a row: the first answer tells.
    calls[0]!.answer();
    await first;
    const many = live.score(
      Array.from({ length: 60 }, (_, i) => row(`b${i}`, i)),
      null,
      newLiveTimes(),
    );
    await turn();
    expect(live.isFull).toBe(true);
    expect(valuesOf(await live.score([row('c', 3)], null, newLiveTimes()))).toEqual(['LIVE_OVERLOADED']);
    const joined = live.score([row('b7', 7), row('d', 4)], null, newLiveTimes());
    expect(calls).toHaveLength(2);
    calls[1]!.answer();
    expect(await many).toHaveLength(60);
    expect(valuesOf(await joined)).toEqual([7, 'LIVE_OVERLOADED']);
    expect(live.isFull).toBe(false);
  });

  it('who goes early takes no one along', async () => {
    const { live, calls } = lane();
    const early = new AbortController();
    const asks = [
      live.score([row('a', 1)], early.signal, newLiveTimes()),
      live.score([row('b', 2)], null, newLiveTimes()),
    ];
    await turn();
    early.abort();
    expect(calls[0]!.request.signal?.aborted).toBe(false);
    calls[0]!.answer();
    expect((await Promise.all(asks)).map(valuesOf)).toEqual([[1], [2]]);
  });

  it('one who has gone before it began, and one who joins a call that was given up', async () => {
    const { live, calls } = lane();
    void live.score([row('a', 1)], AbortSignal.abort(), newLiveTimes());
    const joined = live.score([row('a', 1)], null, newLiveTimes());
    await turn();
    expect(calls[0]!.request.signal?.aborted).toBe(true);
    expect(calls).toHaveLength(2);
    calls[1]!.answer();
    expect(valuesOf(await joined)).toEqual([1]);
  });
});
