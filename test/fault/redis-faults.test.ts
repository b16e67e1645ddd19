import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { Page } from '../../src/base/contract/prediction-set.ts';
import { toErrorJson } from '../../src/base/errors/prescore-error.ts';
import { newState } from '../../src/sets/prediction-set/set-state.ts';
import { checkServer } from '../../src/sets/redis/check-server.ts';
import type { ConnectionSettings } from '../../src/sets/redis/connection-types.ts';
import { RedisStore } from '../../src/sets/redis/redis-store.ts';
import { failureOf } from '../harness/failure-of.ts';
import { freePorts } from '../harness/free-ports.ts';
import { metaOf } from '../harness/prediction-stores.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../harness/redis-server.ts';
import { tcpFront } from '../harness/tcp-fronts.ts';

const PASSWORD = 'corr/ect@horse:battery';
const ends: (() => Promise<void>)[] = [];

async function server(options: RedisOptions = {}): Promise<RedisServer> {
  const started = await startRedis({ persistent: false, ...options });
  ends.push(() => started.stop());
  return started;
}

async function open(url: string, settings: ConnectionSettings = {}): Promise<RedisStore> {
  const store = await RedisStore.open(url, settings);
  ends.push(() => store.close());
  return store;
}

const pages = (residue: number, count = 100, size = 2_000): Page[] =>
  Array.from({ length: count }, (_, i) => ({ bucket: i * 4 + residue, bytes: Buffer.alloc(size, residue) }));

async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  return [await work, performance.now() - started];
}

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('a Redis that refuses', () => {
  it('is full: says so, keeps what is served, and takes pages again when there is room', async () => {
    const { url } = await server({ maxmemory: '12mb' });
    const store = await open(url);
    const meta = await store.createMeta(metaOf('full', 1, { buckets: 400 }));
    const writer = await store.writer(meta);
    await writer.writePages(pages(0), 0);
    const error = await failureOf(writer.writePages(pages(1, 100, 200_000), 1));
    expect(error.code).toBe('PREDICTIONS_FULL');
    expect(error.message).toContain(url);
    expect(await writer.doneResidues()).toEqual(new Set([0]));
    await store.connection.call(['CONFIG', 'SET', 'maxmemory', '1mb']);
    const swap = store.swapState('full', 0, { ...newState(2), version: 1 });
    expect((await failureOf(swap)).code).toBe('PREDICTIONS_FULL');
    expect((await store.readPages('full', 1, [0]))[0]).toHaveLength(2_000);
    await store.dropGeneration('full', 1, 400);
    await store.connection.call(['CONFIG', 'SET', 'maxmemory', '12mb']);
    await writer.writePages(pages(2), 2);
  });

  it('cannot save: the reason is passed on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prescore-misconf-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const redis = await server({ args: ['--dir', folder, '--dbfilename', 'dump.rdb'] });
    // It would not end by itself without saving.
    ends.push(() => redis.kill());
    const store = await open(redis.url);
    await mkdir(join(folder, 'dump.rdb', 'in-the-way'), { recursive: true });
    // Redis 6.2 reads this setting from its command line in another way.
    await store.connection.call(['CONFIG', 'SET', 'save', '3600 1']);
    await store.connection.call(['BGSAVE']);
    let error = null;
    for (let i = 0; i < 100 && error === null; i++) {
      await sleep(50);
      error = await store.createMeta(metaOf('s', i)).then(
        () => null,
        (e: unknown) => e,
      );
    }
    expect(error).toMatchObject({ code: 'PREDICTIONS_FULL', message: expect.stringContaining('MISCONF') });
  });

  it('is a read-only replica: reads work, writes name the reason', async () => {
    const primary = await server({ args: ['--repl-diskless-sync-delay', '0'] });
    const port = new URL(primary.url).port;
    const replica = await server({ args: ['--replicaof', '127.0.0.1', port] });
    const [writes, reads] = [await open(primary.url), await open(replica.url)];
    await writes.swapState('s', 0, { ...newState(2), version: 1 });
    for (let i = 0; i < 200 && (await reads.readState('s')) === null; i++) await sleep(50);
    expect(await reads.readState('s')).toMatchObject({ version: 1 });
    const works = [
      reads.swapState('s', 1, { ...newState(2), version: 2 }),
      reads.createMeta(metaOf('s', 1)),
      reads.writeOverlay('s', [{ key: Buffer.from('k'), value: Buffer.from('v') }]),
    ];
    const errors = await Promise.all(works.map((work) => failureOf(work)));
    expect(errors.map((e) => e.code)).toEqual(Array(3).fill('PREDICTIONS_READONLY'));
    const report = await checkServer(reads.connection);
    expect(report.servers[0]?.role).toBe('slave');
    expect(report.warnings.join()).toContain('replica');
  });

  it('wants a password: none and a wrong one are denied, and no password is ever shown', async () => {
    const { url } = await server({ args: ['--requirepass', PASSWORD] });
    const inUrl = url.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);
    const wrong = { credentials: { password: `${PASSWORD}!` } };
    const user = { credentials: { username: 'nobody', password: PASSWORD } };
    for (const settings of [{}, wrong, user]) {
      const [error, took] = await timed(failureOf(RedisStore.open(url, settings)));
      expect(error.code).toBe('PREDICTIONS_DENIED');
      expect(took).toBeLessThan(2_000);
      expect(inspect(error, { depth: 9 }) + JSON.stringify(toErrorJson(error, true))).not.toContain(PASSWORD);
    }
    const refused = await failureOf(RedisStore.open(inUrl));
    expect(refused.code).toBe('PREDICTIONS_CONFIG');
    expect(inspect(refused, { depth: 9 })).not.toContain(encodeURIComponent(PASSWORD));
    const store = await open(inUrl, { allowUserInfo: true });
    expect(store.url).toBe(url);
    expect(await (await open(url, { credentials: { password: PASSWORD, username: '' } })).listSets()).toEqual([]);
  });

  it('knows the user, who may read and nothing else', async () => {
    const { url } = await server();
    const admin = await open(url);
    await admin.swapState('s', 0, { ...newState(2), version: 1 });
    const rules = ['on', '>pw', '~prescore:*', '+ping', '+@read', '-scan'];
    await admin.connection.call(['ACL', 'SETUSER', 'reader', ...rules]);
    const reader = await open(url, { credentials: { username: 'reader', password: 'pw' } });
    expect(await reader.readState('s')).toMatchObject({ version: 1 });
    expect(await reader.readPages('s', 1, [0, 1])).toEqual([null, null]);
    const writer = await reader.writer(metaOf('s', 1));
    const works = [
      reader.swapState('s', 1, { ...newState(2), version: 2 }),
      reader.createMeta(metaOf('s', 1)),
      writer.writePages(pages(0), 0),
      reader.listSets(),
    ];
    const errors = await Promise.all(works.map((work) => failureOf(work)));
    expect(errors.map((e) => e.code)).toEqual(Array(4).fill('PREDICTIONS_DENIED'));
    const report = await checkServer(reader.connection);
    expect(report.warnings.join()).toContain('INFO');
  });

  it('has no such database', async () => {
    const { url } = await server();
    const [error, took] = await timed(failureOf(RedisStore.open(url.replace(/0$/, '99'))));
    expect(error.code).toBe('PREDICTIONS_CONFIG');
    expect(error.fix).toContain('database number');
    expect(took).toBeLessThan(2_000);
    const [zero, two] = [await open(url), await open(url.replace(/0$/, '2'))];
    await two.swapState('s', 0, { ...newState(2), version: 1 });
    expect(await zero.readState('s')).toBeNull();
  });

  it('evicts: refused for any key, a warning for keys with a ttl', async () => {
    const anyKey = await open((await server({ maxmemoryPolicy: 'allkeys-lru', maxmemory: '64mb' })).url);
    const error = await failureOf(checkServer(anyKey.connection));
    expect(error.code).toBe('PREDICTIONS_CONFIG');
    expect(error.message).toMatch(/noeviction.*allkeys-lru/);
    const allowed = await checkServer(anyKey.connection, { allowEviction: true });
    expect(allowed.warnings.join()).toContain('allkeys-lru');
    const someKeys = await open((await server({ maxmemoryPolicy: 'volatile-ttl', persistent: true })).url);
    const report = await checkServer(someKeys.connection);
    expect(report.servers).toEqual([expect.objectContaining({ role: 'master', persistence: 'aof' })]);
    expect(report.warnings).toEqual([expect.stringContaining('volatile-ttl')]);
  });
});

describe('a Redis that goes away', () => {
  it('is killed and started again between and during writes', async () => {
    const redis = await server({ persistent: true });
    const store = await open(redis.url);
    const meta = await store.createMeta(metaOf('s', 1, { buckets: 400 }));
    const writer = await store.writer(meta);
    await writer.writePages(pages(0), 0);
    await redis.kill();
    const during = writer.writePages(pages(1), 1);
    await sleep(300);
    await redis.restart();
    await during;
    await redis.kill();
    await redis.restart();
    await writer.writePages(pages(2), 2);
    expect(await writer.doneResidues()).toEqual(new Set([0, 1, 2]));
    expect(await store.countPages('s', 1, 400)).toEqual({ pages: 300, bytes: 600_000 });
    // The server has forgotten its scripts.
    expect(await store.swapState('s', 0, { ...newState(2), version: 1 })).toBe(true);
  });

  it('stays away: given up after a while, also when the connection was open', async () => {
    const redis = await server();
    const store = await open(redis.url, { retryForMs: 1_000 });
    await redis.kill();
    const [error, took] = await timed(failureOf(store.readPointer('s')));
    expect(error.code).toBe('PREDICTIONS_UNAVAILABLE');
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('ECONNREFUSED');
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(4_000);
    await redis.restart();
    expect(await store.readPointer('s')).toBeNull();
  });

  it('is stopped: no call hangs, and all is well when it goes on', async () => {
    const redis = await server();
    const settings = { commandTimeoutMs: 700, retryForMs: 1_000 };
    const store = await open(redis.url, settings);
    const writer = await store.writer(await store.createMeta(metaOf('s', 1, { buckets: 400 })));
    redis.pause();
    const works = [
      store.readPointer('s'),
      writer.writePages(pages(0, 100, 100_000), 0),
      RedisStore.open(redis.url, settings),
    ];
    const [errors, took] = await timed(Promise.all(works.map((work) => failureOf(work))));
    expect(errors.map((e) => e.code)).toEqual(Array(3).fill('PREDICTIONS_UNAVAILABLE'));
    expect(took).toBeLessThan(8_000);
    redis.resume();
    expect(await store.readPointer('s')).toBeNull();
    await writer.writePages(pages(0), 0);
    expect(await store.countPages('s', 1, 400)).toMatchObject({ pages: 100 });
  });

  it('is not there at all', async () => {
    const [port] = await freePorts(1);
    for (const url of [
      `redis://127.0.0.1:${port}/0`,
      `redis+cluster://127.0.0.1:${port}`,
      `redis+sentinel://127.0.0.1:${port}/main/0`,
    ]) {
      const [error, took] = await timed(failureOf(RedisStore.open(url)));
      expect([url, error.code]).toEqual([url, 'PREDICTIONS_UNAVAILABLE']);
      expect(error.message).toContain('ECONNREFUSED');
      expect(error.message).toContain(url);
      expect(took).toBeLessThan(4_000);
    }
  });

  it('resets every connection, never answers, or is something else', async () => {
    const resets = await tcpFront((socket) => socket.resetAndDestroy());
    const silent = await tcpFront(() => undefined);
    const web = await tcpFront((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    for (const [front, code] of [
      [resets, 'PREDICTIONS_UNAVAILABLE'],
      [silent, 'PREDICTIONS_UNAVAILABLE'],
      [web, 'PREDICTIONS_CONFIG'],
    ] as const) {
      ends.push(() => front.close());
      const opened = RedisStore.open(`redis://127.0.0.1:${front.port}/0`, { commandTimeoutMs: 700 });
      const [error, took] = await timed(failureOf(opened));
      expect(error.code).toBe(code);
      expect(took).toBeLessThan(4_000);
    }
  });
});
