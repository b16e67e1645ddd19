import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { pageKey } from '../../src/sets/redis/key-layout.ts';
import { RedisStore } from '../../src/sets/redis/redis-store.ts';
import { prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { failureOf } from '../harness/failure-of.ts';
import { pageDigests, publishHere } from '../harness/publish-here.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { tempFolder } from '../harness/temp-job.ts';

const rows = (y: number, count: number): readonly string[] => [
  `select 'k' || i as id, ${y}::float as y from range(${count}) t(i)`,
];

describe('a Redis that loses keys', () => {
  let redis: RedisServer;
  let store: RedisStore;
  beforeAll(async () => {
    redis = await startRedis({ persistent: false });
    store = await RedisStore.open(redis.url);
  });
  afterAll(async () => {
    await store?.close();
    await redis?.stop();
  });

  it('is emptied: publish brings everything back, and open readers go on', async () => {
    const job = setJob(tempFolder(), { store: redis.url, set: 'flushed' });
    for (const y of [1, 2]) {
      await commitRows(job, { parts: rows(y, y * 2000) });
      await publishHere(job);
    }
    const reader = new PredictionReader(store, 'flushed', { pointerMs: 0 });
    expect((await reader.get('k3999'))?.values['y']).toBe(2);
    await store.connection.call(['FLUSHALL']);
    expect((await failureOf(reader.get('k1'))).code).toBe('SET_UNKNOWN');
    await commitRows(job, { parts: rows(3, 30_000) });
    const result = await prescore(['publish', job, '--json']);
    expect(result.events).toMatchObject([{ outcome: 'published', generation: 1, rows: 30_000 }]);
    const [first, last] = await reader.getMany(['k0', 'k29999']);
    expect([first?.values['y'], last?.values['y'], reader.counts.missingPages]).toEqual([3, 3, 0]);
    // The number of a generation that a reader knows comes again with other pages.
    await store.connection.call(['FLUSHALL']);
    await commitRows(job, { parts: rows(4, 500) });
    await publishHere(job);
    expect([(await reader.get('k499'))?.values['y'], await reader.get('k500')]).toEqual([4, null]);
  });

  it('every key of a set with a ttl goes by itself, an hour after readers stopped using it', async () => {
    const job = setJob(tempFolder(), { store: redis.url, set: 'brief', ttl: '1h' });
    await commitRows(job, { parts: rows(1, 20_000) });
    await publishHere(job);
    const meta = await store.readMeta('brief', 1);
    const expiresMs = Date.parse(meta!.expiresAt!);
    const keys = (await store.connection.call(['KEYS', 'prescore:brief:*'])) as Buffer[];
    const kept = keys.map(String).filter((key) => key !== 'prescore:brief:ptr');
    expect(kept.length).toBe(meta!.buckets + 2);
    for (const key of kept) {
      const left = Number(await store.connection.call(['PTTL', key]));
      expect(Math.abs((await store.now()) + left - (expiresMs + 3_600_000))).toBeLessThan(2_000);
    }
    expect(await store.connection.call(['PTTL', 'prescore:brief:ptr'])).toBe(-1);
  });

  it('loses pages while they are written: refused, the old ones are served, and the next publication is whole', async () => {
    const set = 'evicted';
    const job = setJob(tempFolder(), { store: redis.url, set });
    await commitRows(job, { parts: rows(1, 60_000) });
    await publishHere(job);
    await commitRows(job, { parts: rows(2, 60_000) });
    // Residue 0 has been written when the last of the eight is built.
    const evict = (rowsDone: number): void => {
      if (rowsDone === 60_000) void store.connection.call(['DEL', pageKey(set, 2, 0)]);
    };
    const evicting = publishHere(job, { onProgress: (p) => p.stage === 'writing' && evict(p.rows) });
    expect(await failureOf(evicting)).toMatchObject({ code: 'PREDICTIONS_LOST', exitCode: 6 });
    const reader = new PredictionReader(store, set, { pointerMs: 0 });
    expect((await reader.get('k1'))?.values['y']).toBe(1);
    expect((await publishHere(job)).outcome).toMatchObject({ kind: 'published', generation: 3 });
    expect((await reader.get('k1'))?.values['y']).toBe(2);
    expect(await pageDigests(store, set, 3)).not.toContain('missing');
  });
});
