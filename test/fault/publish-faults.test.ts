import { afterEach, describe, expect, it } from 'vitest';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { RedisStore } from '../../src/sets/redis/redis-store.ts';
import { type CliOptions, prescore } from '../harness/cli.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { freePorts } from '../harness/free-ports.ts';
import { publishHere } from '../harness/publish-here.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../harness/redis-server.ts';
import { patienceMs } from '../harness/refusal.ts';
import { tempFolder } from '../harness/temp-job.ts';

const SET = 'served';
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function server(options: RedisOptions = {}): Promise<RedisServer> {
  const started = await startRedis({ persistent: false, ...options });
  ends.push(() => started.stop());
  return started;
}

async function open(url: string, password?: string): Promise<RedisStore> {
  const store = await RedisStore.open(url, password === undefined ? {} : { credentials: { password } });
  ends.push(() => store.close());
  return store;
}

const rows = (y: number, count = 2000): { readonly parts: readonly string[] } => ({
  parts: [`select 'k' || i as id, ${y}::float as y from range(${count}) t(i)`],
});

/** A job of which one table is published at `url`, and a larger one committed. */
async function halfDone(url: string): Promise<string> {
  const job = setJob(tempFolder(), { store: url, set: SET });
  await commitRows(job, rows(1));
  await publishHere(job);
  await commitRows(job, rows(2, 200_000));
  return job;
}

/** `prescore publish` ends with exit code 6, one line that names the code, what is wrong and what to do. */
async function refuses(job: string, code: string, says: RegExp, options: CliOptions = {}): Promise<void> {
  const started = performance.now();
  const { code: exit, stderr, stdout } = await prescore(['publish', job], options);
  const lines = stderr.split('\n').filter((line) => line !== '' && !/^warning: |^\d+ %|rows/.test(line));
  expect([exit, stdout, lines.length]).toEqual([6, '', 1]);
  expect(lines[0]).toMatch(new RegExp(`^${code}: `));
  expect(lines[0]).toMatch(says);
  expect(performance.now() - started).toBeLessThan(patienceMs() * 2);
}

async function isServed(store: RedisStore): Promise<unknown[]> {
  const reader = new PredictionReader(store, SET);
  const found = await reader.getMany(['k0', 'k1999']);
  return [(await reader.pointer()).generation, ...found.map((f) => f?.values['y'])];
}

describe('prescore publish into a Redis that', () => {
  it('is full: the old generation is served, and the new one is finished when there is room', async () => {
    const { url } = await server();
    const job = await halfDone(url);
    const store = await open(url);
    const memory = String(await store.connection.call(['INFO', 'memory']));
    const used = Number(/used_memory:(\d+)/.exec(memory)?.[1]);
    await store.connection.call(['CONFIG', 'SET', 'maxmemory', String(used + 1_000_000)]);
    await refuses(job, 'PREDICTIONS_FULL', /OOM.*Raise maxmemory/);
    expect(await isServed(store)).toEqual([1, 1, 1]);
    await store.connection.call(['CONFIG', 'SET', 'maxmemory', '0']);
    const result = await prescore(['publish', job, '--json']);
    expect(result.events).toMatchObject([{ outcome: 'published', generation: 2, rows: 200_000 }]);
    expect(await isServed(store)).toEqual([2, 2, 2]);
  });

  it('is a read-only replica', async () => {
    const primary = await server({ args: ['--repl-diskless-sync-delay', '0'] });
    await halfDone(primary.url);
    const replica = await server({ args: ['--replicaof', '127.0.0.1', new URL(primary.url).port] });
    const store = await open(replica.url);
    for (let i = 0; i < 100 && (await store.readPointer(SET)) === null; i++)
      await new Promise((r) => setTimeout(r, 50));
    const other = setJob(tempFolder(), { store: replica.url, set: SET });
    await commitRows(other, { ...rows(3), createdAt: '2026-06-01T00:00:00.000Z' });
    await refuses(other, 'PREDICTIONS_READONLY', /read.?only replica.*address of the primary/i);
    expect(await isServed(store)).toEqual([1, 1, 1]);
  });

  it('wants another password', async () => {
    const redis = await server();
    const job = await halfDone(redis.url);
    const store = await open(redis.url);
    await store.connection.call(['CONFIG', 'SET', 'requirepass', 'right']);
    const wrong = { env: { PRESCORE_REDIS_PASSWORD: 'wr:ong' } };
    await refuses(job, 'PREDICTIONS_DENIED', /Check PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD/, wrong);
    await refuses(job, 'PREDICTIONS_DENIED', /NOAUTH.*PRESCORE_REDIS_PASSWORD/);
    expect(await isServed(await open(redis.url, 'right'))).toEqual([1, 1, 1]);
    expect((await prescore(['publish', job], { env: { PRESCORE_REDIS_PASSWORD: 'right' } })).code).toBe(0);
  });

  it('evicts any key', async () => {
    const { url } = await server({ maxmemory: '200mb' });
    const job = await halfDone(url);
    const store = await open(url);
    await store.connection.call(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    await refuses(job, 'PREDICTIONS_CONFIG', /may evict pages.*noeviction.*allkeys-lru/);
    expect(await isServed(store)).toEqual([1, 1, 1]);
    const allowed = await prescore(['publish', job], { env: { PRESCORE_REDIS_ALLOW_EVICTION: '1' } });
    expect([allowed.code, allowed.stderr]).toEqual([
      0,
      expect.stringContaining('warning: maxmemory-policy allkeys-lru'),
    ]);
  });

  it('is not there', async () => {
    const [port] = await freePorts(1);
    const nowhere = setJob(tempFolder(), { store: `redis://127.0.0.1:${port}/0`, set: SET });
    await commitRows(nowhere, rows(1));
    await refuses(nowhere, 'PREDICTIONS_UNAVAILABLE', /ECONNREFUSED.*server runs/);
  });
});
