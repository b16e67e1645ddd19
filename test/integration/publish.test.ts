import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { openPredictionStore, PREDICTION_STORES, type StorePlace } from '../harness/prediction-stores.ts';
import { pageDigests, publishHere } from '../harness/publish-here.ts';
import { partsOf, readParquet } from '../harness/read-parquet.ts';
import { flightJob, tempFolder, writeJob } from '../harness/temp-job.ts';

const rowsSql = (count: number, y: number): string =>
  `select 'k' || i as id, ${y}::float as y from range(${count}) t(i)`;

describe.each(PREDICTION_STORES.filter((s) => s.name !== 'redis cluster'))('publishing into $name', ({ start }) => {
  let place: StorePlace;
  let store: PredictionStore;
  let sets = 0;
  const newSet = (): string => `set-${++sets}`;
  const answerOf = async (set: string, key: string): Promise<unknown> => {
    const reader = new PredictionReader(store, set, { pointerMs: 0 });
    return (await reader.get(key))?.values['y'];
  };
  const served = async (set: string): Promise<number> => (await store.readPointer(set))?.generation ?? 0;

  beforeAll(async () => {
    place = await start();
    store = await openPredictionStore(place.url);
  });
  afterAll(async () => {
    await store?.close();
    await place?.stop();
  });

  it('a run publishes what it scored; the same run again changes nothing; publish builds it anew', async () => {
    const folder = tempFolder();
    const predictions = { store: place.url, set: 'flights', key: 'flight_id' };
    const job = writeJob(folder, flightJob(folder, { predictions }));
    const first = await prescore(['run', job, '--json']);
    expect([first.code, first.stderr.replace(/^warning: .*\n/, '')]).toEqual([0, '']);
    expect(first.events.slice(-2)).toMatchObject([
      { event: 'published', outcome: 'published', generation: 1, rows: 27004, duplicates: 0, withoutKey: 0 },
      { event: 'done', rows: 27004 },
    ]);
    const again = await prescore(['run', job, '--json']);
    expect(again.code).toBe(0);
    expect(again.events.slice(-2)).toMatchObject([
      { event: 'published', outcome: 'unchanged', why: 'served', generation: 1 },
      { event: 'done', alreadyDone: true },
    ]);
    const built = await prescore(['publish', job, '--json']);
    expect(built.events.at(-1)).toMatchObject({ event: 'published', outcome: 'published', generation: 2 });
    expect(await pageDigests(store, 'flights', 2)).toEqual(await pageDigests(store, 'flights', 1));
    const table = (await Promise.all(partsOf(join(folder, 'out')).map((part) => readParquet(part)))).flat();
    const reader = new PredictionReader(store, 'flights');
    const found = await reader.getMany(table.map((row) => String(row['flight_id'])));
    expect(found.map((f) => f?.values)).toEqual(
      table.map(({ prediction, probability }) => expect.objectContaining({ prediction, probability })),
    );
    const { run_id: runId, scored_at: scoredAt } = table[0]!;
    expect(found[0]).toMatchObject({ from: 'set', runId, scoredAt: (scoredAt as Date).toISOString() });
    const keys = [String(table[0]!['flight_id']), 'nobody'];
    const looked = await prescore(['lookup', ...keys, '--store', place.url, '--set', 'flights', '--json']);
    expect(looked.code).toBe(4);
    expect(looked.events).toMatchObject([
      { found: true, values: { prediction: Number(found[0]!.values['prediction']) } },
      { found: false },
    ]);
  });

  it('union: all twelve partitions, a key of two goes to the later; latest: the newest alone', async () => {
    const values = Array.from({ length: 12 }, (_, i) => `m${String(i + 1).padStart(2, '0')}`);
    const folder = tempFolder();
    const changes = {
      partitions: { values },
      input: { uri: '/none/{partition}.parquet' },
      output: { uri: `${folder}/out/m={partition}` },
    };
    const [union, latest] = [newSet(), newSet()];
    const job = setJob(folder, { store: place.url, set: union }, changes);
    // Committed in another order than that of the job file, which is the one that counts.
    for (const [i, partition] of [...values].reverse().entries()) {
      const m = 12 - i;
      const sql = `select 'k${m}-' || i as id, ${m}::float as y from range(100) t(i) union all select 'all', ${m}`;
      await commitRows(job, { parts: [sql], partition, createdAt: new Date(Date.UTC(2026, 0, 1, i)).toISOString() });
    }
    const { outcome } = await publishHere(job);
    expect(outcome).toMatchObject({ kind: 'published', rows: 1201, duplicates: 11 });
    const reader = new PredictionReader(store, union);
    expect(await reader.get('all')).toMatchObject({ values: { y: 12 }, runId: 'set-job.m12.1' });
    expect(await reader.get('k3-99')).toMatchObject({ values: { y: 3 }, runId: 'set-job.m03.1' });
    expect((await reader.meta())?.origins).toHaveLength(12);
    // One partition anew: a union is newer when one of its parts is.
    await commitRows(job, { parts: [`select 'k3-0' as id, 33::float as y`], partition: 'm03' });
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', generation: 2, rows: 1102 });
    expect([await answerOf(union, 'k3-0'), await answerOf(union, 'k3-1')]).toEqual([33, undefined]);

    const newest = setJob(folder, { store: place.url, set: latest, scope: 'latest' }, changes);
    await publishHere(newest);
    expect([await answerOf(latest, 'k1-5'), await answerOf(latest, 'k2-5'), await answerOf(latest, 'all')]).toEqual([
      1,
      undefined,
      1,
    ]);
  });

  it('onDuplicateKey: error refuses twins, and the old generation is served', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set, onDuplicateKey: 'error' });
    await commitRows(job, { parts: [rowsSql(1000, 1)] });
    await publishHere(job);
    await commitRows(job, { parts: [rowsSql(1000, 2), `select 'k500' as id, 3::float as y`] });
    const result = await prescore(['publish', job]);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/^SET_DUPLICATE_KEY: two rows have the key "k500"/m);
    expect([await served(set), await answerOf(set, 'k500')]).toEqual([1, 1]);
    await commitRows(job, { parts: [rowsSql(1000, 4)] });
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published' });
    expect(await answerOf(set, 'k500')).toBe(4);
  });

  it('rows without a key are counted and left out; values may be null', async () => {
    const set = newSet();
    const predictions = { store: place.url, set, values: ['y', 'note'] };
    const job = setJob(tempFolder(), predictions, { passthrough: ['note'] });
    const sql = `select if(i % 10 = 0, null, 'k' || i) as id, i::float as y, if(i % 2 = 0, null, 'n' || i) as note from range(1000) t(i)`;
    await commitRows(job, { parts: [sql] });
    const result = await prescore(['publish', job]);
    expect(result.stdout).toContain('published 900 predictions');
    expect(result.stdout).toContain('100 rows without a key left out');
    const reader = new PredictionReader(store, set);
    const found = await reader.getMany(['k0', 'k1', 'k2', '']);
    expect(found.map((f) => f && { ...f.values })).toEqual([null, { y: 1, note: 'n1' }, { y: 2, note: null }, null]);
  });

  it('spilled rows give the pages that rows in memory give, and publishing twice gives the same bytes', async () => {
    const set = newSet();
    const job = setJob(tempFolder(), { store: place.url, set, keep: 5 });
    const part = (from: number): string =>
      `select 'key-' || (i % 50000) as id, i::float as y from range(${from}, ${from + 30000}) t(i)`;
    await commitRows(job, { parts: [part(0), part(30000)] });
    const first = await publishHere(job);
    expect(first.outcome).toMatchObject({ rows: 50000, duplicates: 10000 });
    await publishHere(job, { isRebuild: true, memoryBytes: 8192 });
    await publishHere(job, { isRebuild: true, memoryBytes: 100_000 });
    const pages = await pageDigests(store, set, 1);
    expect(pages).not.toContain('missing');
    expect(await pageDigests(store, set, 2)).toEqual(pages);
    expect(await pageDigests(store, set, 3)).toEqual(pages);
    expect([await answerOf(set, 'key-0'), await answerOf(set, 'key-49999')]).toEqual([50000, 49999]);
  });
});
