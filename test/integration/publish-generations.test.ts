import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredictionStore, SetState } from '../../src/base/contract/prediction-set.ts';
import { changeState } from '../../src/sets/prediction-set/change-state.ts';
import { rolledBack } from '../../src/sets/prediction-set/set-state.ts';
import { reclaim } from '../../src/sets/publish/reclaim.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { openPredictionStore, PREDICTION_STORES, type StorePlace } from '../harness/prediction-stores.ts';
import { publishHere } from '../harness/publish-here.ts';
import { patienceMs } from '../harness/refusal.ts';
import { tempFolder } from '../harness/temp-job.ts';

const run = (y: number): { readonly parts: readonly string[] } => ({
  parts: [`select 'k' || i as id, ${y}::float as y from range(500) t(i)`],
});

/** As if the last changes had been made so long ago. */
function aged(store: PredictionStore, set: string, ms: number): Promise<SetState> {
  const earlier = (time: string | null): string | null =>
    time === null ? null : new Date(Date.parse(time) - ms).toISOString();
  return changeState(store, set, (state) => ({
    ...state,
    generations: state.generations.map((g) => ({ ...g, leftKeepAt: earlier(g.leftKeepAt) })),
  }));
}

describe.each(PREDICTION_STORES.filter((s) => s.name !== 'redis cluster'))('generations in $name', ({ start }) => {
  let place: StorePlace;
  let store: PredictionStore;
  let sets = 0;
  const answerOf = async (set: string, key = 'k7'): Promise<unknown> =>
    (await new PredictionReader(store, set).get(key))?.values['y'];
  const newJob = (fields: object = {}): { readonly set: string; readonly job: string } => {
    const set = `set-${++sets}`;
    return { set, job: setJob(tempFolder(), { store: place.url, set, ...fields }) };
  };
  const states = async (set: string): Promise<string[]> =>
    (await store.readState(set))!.generations.map((g) => `${g.generation} ${g.leftKeepAt === null ? g.state : 'left'}`);

  beforeAll(async () => {
    place = await start();
    store = await openPredictionStore(place.url);
  });
  afterAll(async () => {
    await store?.close();
    await place?.stop();
  });

  it('the last ones are kept, a rollback serves one of them at once and stays until something newer comes', async () => {
    const { set, job } = newJob({ keep: 2 });
    for (const y of [1, 2, 3, 4]) {
      await commitRows(job, run(y));
      await publishHere(job);
    }
    expect(await states(set)).toEqual(['1 left', '2 ready', '3 ready', '4 ready']);
    const sets = ['sets', 'rollback', set, '--store', place.url];
    const started = performance.now();
    const back = await prescore(sets);
    expect([back.code, back.stdout]).toEqual([0, `set ${set} serves generation 3 again\n`]);
    expect(performance.now() - started).toBeLessThan(patienceMs() / 5);
    expect(await answerOf(set)).toBe(3);
    // The same publication, and one that is older than what had been served.
    const pinned = await prescore(['publish', job]);
    expect([pinned.code, pinned.stdout]).toEqual([
      7,
      expect.stringContaining('was rolled back to generation 3, which stays'),
    ]);
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'unchanged', why: 'pinned' });
    expect(await answerOf(set)).toBe(3);
    expect((await prescore([...sets, '--to', '2'])).code).toBe(0);
    const gone = await prescore([...sets, '--to', '9']);
    expect([gone.code, gone.stderr]).toEqual([4, expect.stringMatching(/^SET_GENERATION_GONE: .*one of 1, 3, 4/)]);
    expect(await answerOf(set)).toBe(2);
    await commitRows(job, run(5));
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', generation: 5 });
    expect([await answerOf(set), (await store.readState(set))!.isPinned]).toEqual([5, false]);
  });

  it('--force serves what was rolled back', async () => {
    const { set, job } = newJob();
    for (const y of [1, 2]) {
      await commitRows(job, run(y));
      await publishHere(job);
    }
    await changeState(store, set, (state, now) => rolledBack(state, null, new Date(now).toISOString()));
    const { outcome } = await publishHere(job, { isForced: true });
    expect(outcome).toMatchObject({ kind: 'published', generation: 3 });
    expect(await answerOf(set)).toBe(2);
  });

  it('an older run does not take the place of a newer one unless forced', async () => {
    const { set, job } = newJob();
    await commitRows(job, { ...run(1), createdAt: '2026-02-02T00:00:00.000Z' });
    await publishHere(job);
    await commitRows(job, { ...run(2), createdAt: '2026-02-01T00:00:00.000Z' });
    const older = await prescore(['publish', job]);
    expect([older.code, older.stdout]).toEqual([7, expect.stringContaining('serves generation 1, which is newer')]);
    expect(await answerOf(set)).toBe(1);
    expect((await prescore(['publish', job, '--force'])).code).toBe(0);
    expect(await answerOf(set)).toBe(2);
  });

  it('pages go 60 s after a generation left keep, and not before', async () => {
    const { set, job } = newJob({ keep: 0 });
    for (const y of [1, 2]) {
      await commitRows(job, run(y));
      await publishHere(job);
    }
    const slow = new PredictionReader(store, set);
    expect((await reclaim(store, set)).generations).toEqual([]);
    await aged(store, set, 58_000);
    expect((await reclaim(store, set)).generations).toEqual([]);
    expect((await store.countPages(set, 1, 8)).pages).toBeGreaterThan(0);
    await aged(store, set, 3_000);
    const gc = await prescore(['sets', 'gc', set, '--store', place.url, '--json']);
    expect(gc.events).toEqual([{ set, generations: [1], overlayEntries: 0 }]);
    expect([await states(set), await store.readMeta(set, 1)]).toEqual([['2 ready'], null]);
    expect((await store.countPages(set, 1, 8)).pages).toBe(0);
    expect((await slow.get('k7'))?.values['y']).toBe(2);
  });

  it('a rollback to what was about to be reclaimed keeps it', async () => {
    const { set, job } = newJob({ keep: 0 });
    for (const y of [1, 2]) {
      await commitRows(job, run(y));
      await publishHere(job);
    }
    await aged(store, set, 61_000);
    await changeState(store, set, (state, now) => rolledBack(state, 1, new Date(now).toISOString()));
    await reclaim(store, set);
    expect(await answerOf(set)).toBe(1);
    await aged(store, set, 61_000);
    expect((await reclaim(store, set)).generations).toEqual([2]);
  });

  it('what has expired is published again although nothing newer is committed, but not over a rollback', async () => {
    const { set, job } = newJob({ ttl: '1h' });
    await commitRows(job, run(1));
    await publishHere(job);
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'unchanged', why: 'served' });
    const expire = (): Promise<SetState> =>
      changeState(store, set, (state, now) => ({
        ...state,
        pointer: { ...state.pointer, epoch: state.pointer.epoch + 1, expiresAt: new Date(now - 1).toISOString() },
      }));
    await expire();
    expect(await answerOf(set)).toBeUndefined();
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', generation: 2 });
    expect(await answerOf(set)).toBe(1);
    await changeState(store, set, (state, now) => rolledBack(state, 1, new Date(now).toISOString()));
    await expire();
    const pinned = await prescore(['publish', job]);
    expect([pinned.code, pinned.stdout]).toEqual([7, expect.stringContaining('has expired')]);
    expect(await answerOf(set)).toBeUndefined();
    await commitRows(job, run(2));
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', generation: 3 });
    await expire();
    await commitRows(job, { ...run(3), createdAt: '2020-01-01T00:00:00.000Z' });
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'unchanged', why: 'expired' });
  });

  it('a lease on another host is waited for until it ends, then taken; a renewed one is left its work', async () => {
    const { set, job } = newJob();
    await commitRows(job, run(1));
    const lease = { token: 'other', host: 'elsewhere', bootId: 'b', pid: 1, processStart: 1, untilMs: 0 };
    const hold = async (ms: number): Promise<SetState> =>
      changeState(store, set, (state, now) => ({ ...state, lease: { ...lease, untilMs: now + ms } }));
    await hold(1_000);
    const started = performance.now();
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published' });
    expect(performance.now() - started).toBeGreaterThan(900);
    await commitRows(job, run(2));
    await hold(20_000);
    const asking = publishHere(job);
    setTimeout(() => void hold(30_000), 500);
    expect((await asking).outcome).toEqual({ kind: 'handed-over' });
    expect(await store.readState(set)).toMatchObject({ isAgainAsked: true, pointer: { generation: 1 } });
  });

  it('a ttl ends what readers see', async () => {
    const { set, job } = newJob({ ttl: '2s' });
    await commitRows(job, run(1));
    await publishHere(job);
    const reader = new PredictionReader(store, set, { pointerMs: 5_000 });
    expect((await reader.get('k7'))?.values['y']).toBe(1);
    const { expiresAt } = await reader.pointer();
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt!) - Date.now() + 20));
    expect([await reader.get('k7'), reader.counts.expired]).toEqual([null, 1]);
    expect((await prescore(['lookup', 'k7', '--store', place.url, '--set', set])).code).toBe(4);
    // The same runs again begin a new term.
    await publishHere(job, { isRebuild: true });
    expect(await answerOf(set)).toBe(1);
  });
});
