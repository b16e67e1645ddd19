import { afterEach, describe, expect, it } from 'vitest';
import type { Page } from '../../src/base/contract/prediction-set.ts';
import { newState } from '../../src/sets/prediction-set/set-state.ts';
import { checkServer } from '../../src/sets/redis/check-server.ts';
import type { ConnectionSettings } from '../../src/sets/redis/connection-types.ts';
import { RedisStore } from '../../src/sets/redis/redis-store.ts';
import { failureOf } from '../harness/failure-of.ts';
import { metaOf } from '../harness/prediction-stores.ts';
import { startRedisCluster } from '../harness/redis-cluster.ts';
import { startSentinel } from '../harness/redis-sentinel.ts';
import { startRedis } from '../harness/redis-server.ts';
import { tlsFront } from '../harness/tcp-fronts.ts';

const ends: (() => Promise<void>)[] = [];
const kept = <T extends { stop(): Promise<void> }>(started: T): T => {
  ends.push(() => started.stop());
  return started;
};
const portOf = (url: string): number => Number(new URL(url).port);

async function open(url: string, settings: ConnectionSettings = {}): Promise<RedisStore> {
  const store = await RedisStore.open(url, settings);
  ends.push(() => store.close());
  return store;
}

const pages = (count: number): Page[] =>
  Array.from({ length: count }, (_, bucket) => ({ bucket, bytes: Buffer.alloc(500, bucket) }));

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('TLS', () => {
  it('is used with an authority that is given, and refused without', async () => {
    const redis = kept(await startRedis({ persistent: false, args: ['--requirepass', 'pw'] }));
    const front = await tlsFront(portOf(redis.url));
    ends.push(() => front.close());
    const url = `rediss://localhost:${front.port}/0`;
    const credentials = { password: 'pw' };
    const store = await open(url, { ca: front.ca, credentials });
    const writer = await store.writer(await store.createMeta(metaOf('s', 1)));
    await writer.writePages(pages(50), 0);
    expect(await store.countPages('s', 1, 50)).toEqual({ pages: 50, bytes: 25_000 });
    const unknown = await failureOf(RedisStore.open(url, { credentials }));
    expect(unknown.code).toBe('PREDICTIONS_CONFIG');
    expect(unknown.fix).toContain('NODE_EXTRA_CA_CERTS');
    const name = await failureOf(RedisStore.open(url.replace('localhost', '127.0.0.1'), { ca: front.ca, credentials }));
    expect(name.code).toBe('PREDICTIONS_CONFIG');
    const cluster = url.replace('rediss:', 'rediss+cluster:').replace('/0', '');
    expect((await failureOf(RedisStore.open(cluster, { credentials }))).code).toBe('PREDICTIONS_CONFIG');
    // A server without TLS waits for the end of what it takes for a command.
    const plain = { credentials, commandTimeoutMs: 500 };
    const error = await failureOf(RedisStore.open(redis.url.replace('redis:', 'rediss:'), plain));
    expect(error.code).toMatch(/^PREDICTIONS_(CONFIG|UNAVAILABLE)$/);
  });
});

describe('a cluster', () => {
  it('is told from a single server, both ways', async () => {
    const cluster = kept(await startRedisCluster());
    const single = kept(await startRedis({ persistent: false }));
    const node = await open(cluster.nodes[0]!.url);
    const sets = Array.from({ length: 12 }, (_, i) => `set-${i}`);
    const results = await Promise.allSettled(sets.map((set) => node.readState(set)));
    const failed = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed)
      expect(error).toMatchObject({ code: 'PREDICTIONS_CONFIG', fix: expect.stringContaining('redis+cluster://') });
    const wrong = await failureOf(RedisStore.open(single.url.replace('redis:', 'redis+cluster:').replace('/0', '')));
    expect(wrong.code).toBe('PREDICTIONS_CONFIG');
    expect(wrong.fix).toContain('redis://');
    const db = await failureOf(RedisStore.open(cluster.nodes[0]!.url.replace('/0', '/3')));
    expect(db.code).toBe('PREDICTIONS_CONFIG');
    expect((await checkServer((await open(cluster.url)).connection)).servers).toHaveLength(3);
  });

  it('loses a node: its keys are unavailable, within bounds', async () => {
    const cluster = kept(await startRedisCluster());
    const store = await open(cluster.url, { commandTimeoutMs: 1_000, retryForMs: 1_000 });
    const writer = await store.writer(await store.createMeta(metaOf('s', 1)));
    await writer.writePages(pages(60), 0);
    cluster.nodes[1]!.pause();
    let started = performance.now();
    expect((await failureOf(store.countPages('s', 1, 60))).code).toBe('PREDICTIONS_UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(5_000);
    cluster.nodes[1]!.resume();
    expect(await store.countPages('s', 1, 60)).toMatchObject({ pages: 60 });
    await cluster.nodes[1]!.kill();
    started = performance.now();
    expect((await failureOf(store.countPages('s', 1, 60))).code).toBe('PREDICTIONS_UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

describe('sentinels', () => {
  it('name the primary, and the new one after a failover', async () => {
    const fast = ['--repl-diskless-sync-delay', '0'];
    const primary = kept(await startRedis({ persistent: false, args: fast }));
    const port = String(portOf(primary.url));
    const replica = kept(await startRedis({ persistent: false, args: [...fast, '--replicaof', '127.0.0.1', port] }));
    const sentinel = kept(await startSentinel('main', portOf(primary.url)));
    const url = `redis+sentinel://127.0.0.1:${sentinel.port}/main/0`;
    const store = await open(url, { retryForMs: 20_000 });
    expect(store.url).toBe(url);
    expect(await store.swapState('s', 0, { ...newState(2), version: 1 })).toBe(true);
    const copy = await open(replica.url);
    const watch = await open(`redis://127.0.0.1:${sentinel.port}/0`);
    const knowsReplica = async (): Promise<boolean> => {
      const reply = await watch.connection.call(['SENTINEL', 'REPLICAS', 'main']);
      return Array.isArray(reply) && reply.length === 1 && (await copy.readState('s')) !== null;
    };
    // It asks the primary for its replicas every ten seconds, so it is asked to look again.
    for (let i = 0; i < 300 && !(await knowsReplica()); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    await primary.kill();
    expect(await store.swapState('s', 1, { ...newState(2), version: 2 })).toBe(true);
    expect(await copy.readState('s')).toMatchObject({ version: 2 });
    const unknown = await failureOf(RedisStore.open(url.replace('/main/', '/other/')));
    expect(unknown.code).toBe('PREDICTIONS_CONFIG');
    expect(unknown.fix).toContain('do not know');
  });
});
