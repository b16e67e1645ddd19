import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { encodeOverlay } from '../../src/sets/prediction-set/overlay-entry.ts';
import { reclaim } from '../../src/sets/publish/reclaim.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { openPredictionStore, PREDICTION_STORES, type StorePlace } from '../harness/prediction-stores.ts';
import { publishHere, upsertHere } from '../harness/publish-here.ts';
import { tempFolder } from '../harness/temp-job.ts';

const rows = (y: number, count: number): readonly string[] => [
  `select 'k' || i as id, ${y}::float as y from range(${count}) t(i)`,
];
const at = (day: number): string => `2026-03-0${day}T00:00:00.000Z`;

describe.each(PREDICTION_STORES.filter((s) => s.name !== 'redis cluster'))('single keys in $name', ({ start }) => {
  let place: StorePlace;
  let store: PredictionStore;
  let sets = 0;
  const newSet = (): string => `set-${++sets}`;
  const answers = async (set: string, ...keys: string[]): Promise<unknown[]> => {
    const found = await new PredictionReader(store, set).getMany(keys);
    return found.map((f) => f && `${f.values['y']} ${f.from}`);
  };
  const entries = (set: string): Promise<number> => Array.fromAsync(store.scanOverlay(set)).then((all) => all.length);

  beforeAll(async () => {
    place = await start();
    store = await openPredictionStore(place.url);
  });
  afterAll(async () => {
    await store?.close();
    await place?.stop();
  });

  it('mode: upsert writes the rows of a run over what is served; older runs change nothing', async () => {
    const set = newSet();
    const [whole, single] = [tempFolder(), tempFolder()];
    const job = setJob(whole, { store: place.url, set });
    await commitRows(job, { parts: rows(1, 3000), createdAt: at(1) });
    await publishHere(job);
    const upsert = setJob(single, { store: place.url, set, mode: 'upsert' });
    await commitRows(upsert, { parts: [`${rows(2, 2500)[0]} union all select 'new', 2`], createdAt: at(2) });
    const result = await prescore(['publish', upsert, '--json']);
    expect([result.code, result.events]).toMatchObject([0, [{ outcome: 'upserted', rows: 2501 }]]);
    expect(await answers(set, 'k0', 'k2499', 'k2500', 'new')).toEqual(['2 overlay', '2 overlay', '1 set', '2 overlay']);
    await commitRows(upsert, { parts: rows(9, 10), createdAt: at(1) });
    await upsertHere(upsert);
    expect(await answers(set, 'k0')).toEqual(['2 overlay']);
    // A table that was scored later takes the place of single keys, which are then removed.
    await commitRows(job, { parts: rows(3, 3000), createdAt: at(3) });
    await publishHere(job);
    expect(await answers(set, 'k0', 'new')).toEqual(['3 set', '2 overlay']);
    expect(await entries(set)).toBe(2501);
    expect((await reclaim(store, set)).overlayEntries).toBe(2501);
    expect([await entries(set), await answers(set, 'k0', 'new')]).toEqual([0, ['3 set', null]]);
  });

  it('a set of single keys alone can be read, also with a key of two columns', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set, mode: 'upsert', key: ['id', 'n'] }, { id: ['id', 'n'] });
    await commitRows(job, { parts: [`select 'a' as id, i::integer as n, i::float as y from range(3) t(i)`] });
    expect(await upsertHere(job)).toBe(3);
    const reader = new PredictionReader(store, set);
    expect((await reader.get(['a', 2]))?.values['y']).toBe(2);
    expect(await reader.get(['a', 3])).toBeNull();
    const looked = await prescore(['lookup', '["a", 1]', '--store', place.url, '--set', set, '--json']);
    expect(looked.events).toMatchObject([{ found: true, values: { y: 1 } }]);
  });

  it('rows of a run that was scored longer ago than the ttl are served for a ttl from their publication', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set, mode: 'upsert', ttl: '1h' });
    await commitRows(job, { parts: rows(1, 2), createdAt: at(1) });
    await upsertHere(job);
    expect(await answers(set, 'k0')).toEqual(['1 overlay']);
  });

  it('the sweep removes what is older than the table, expired or damaged, and nothing else', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set, mode: 'upsert' });
    await commitRows(job, { parts: rows(1, 1), createdAt: at(5) });
    await upsertHere(job);
    const table = setJob(tempFolder(), { store: place.url, set });
    await commitRows(table, { parts: rows(4, 20), createdAt: at(4) });
    await publishHere(table);
    const entry = (key: string, day: number, expiresAtMs = 0): { key: Uint8Array; value: Uint8Array } => {
      const facts = { scoredAtMs: Date.parse(at(day)), expiresAtMs, modelSha256: '', source: 'run:x' };
      return { key: Buffer.from(key), value: encodeOverlay(facts, [{ name: 'y', type: 'float32' }], { y: day }) };
    };
    const expired = entry('k3', 6, Date.now() - 1000);
    await store.writeOverlay(set, [entry('k1', 3), entry('k2', 6), expired, entry('k4', 6, Date.now() + 60_000)]);
    await store.writeOverlay(set, [{ key: Buffer.from('k5'), value: Buffer.from('torn') }]);
    const before = await answers(set, 'k0', 'k1', 'k2', 'k3', 'k4', 'k5');
    expect(before).toEqual(['1 overlay', '4 set', '6 overlay', '4 set', '6 overlay', '4 set']);
    expect((await reclaim(store, set)).overlayEntries).toBe(3);
    expect(await answers(set, 'k0', 'k1', 'k2', 'k3', 'k4', 'k5')).toEqual(before);
    expect(await entries(set)).toBe(3);
  });

  it('a rollback leaves single keys unless --drop-overlay', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set });
    for (const day of [1, 2]) {
      await commitRows(job, { parts: rows(day, 5), createdAt: at(day) });
      await publishHere(job);
    }
    const upsert = setJob(tempFolder(), { store: place.url, set, mode: 'upsert' });
    await commitRows(upsert, { parts: rows(7, 2), createdAt: at(7) });
    await upsertHere(upsert);
    await prescore(['sets', 'rollback', set, '--store', place.url]);
    expect(await answers(set, 'k0', 'k4')).toEqual(['7 overlay', '1 set']);
    await prescore(['sets', 'rollback', set, '--store', place.url, '--to', '2', '--drop-overlay']);
    expect([await answers(set, 'k0', 'k4'), await entries(set)]).toEqual([['2 set', '2 set'], 0]);
  });
});
