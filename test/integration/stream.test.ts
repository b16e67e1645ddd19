import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PredictionReader } from '../../src/sets/reader/prediction-reader.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { openPredictionStore } from '../harness/prediction-stores.ts';
import { childrenOf } from '../harness/processes.ts';
import { publishHere } from '../harness/publish-here.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { startStream, streamJob, writeStream } from '../harness/stream-process.ts';
import { tempFolder } from '../harness/temp-job.ts';

/*
 * `prescore stream` against a real Redis: what is in the set afterwards is what the newest event of every key says, whatever
 * happened to consumers on the way.
 */
let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis({ persistent: true });
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  // One test kills the server.
  redis.on('error', () => undefined);
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

type Changes = Readonly<Record<string, unknown>>;

async function files(changes: Changes = {}, job: Changes = {}): Promise<string> {
  const folder = tempFolder();
  return writeStream(folder, await streamJob(folder, server.url, job), server.url, changes);
}

/** What readers get for these keys: `<y> <from>`. */
async function answers(keys: readonly string[]): Promise<(string | null)[]> {
  const store = await openPredictionStore(server.url);
  try {
    const found = await new PredictionReader(store, 'sums').getMany(keys);
    return found.map((one) => one && `${one.values['y']} ${one.from}`);
  } finally {
    await store.close();
  }
}

/** Adds events of `k<i % keys>` whose sum is 3 i + 3 in one go, so that the last event of a key wins. */
async function addSums(from: number, count: number, keys: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (let i = from; i < from + count; i++) {
    pipeline.xadd('events', '*', 'id', `k${i % keys}`, 'c0', String(i), 'c1', String(i + 1), 'c2', String(i + 2));
  }
  await pipeline.exec();
}

async function expectSums(count: number, keys: number): Promise<void> {
  const last = (key: number): number => key + keys * Math.floor((count - 1 - key) / keys);
  const names = Array.from({ length: keys }, (_, k) => `k${k}`);
  const sums = names.map((_, k) => `${3 * last(k) + 3} overlay`);
  expect(await answers(names)).toEqual(sums);
}

async function groupOf(): Promise<Record<string, unknown>> {
  const [group = []] = (await redis.xinfo('GROUPS', 'events')) as unknown[][];
  return Object.fromEntries(Array.from({ length: group.length / 2 }, (_, i) => [group[i * 2], group[i * 2 + 1]]));
}

async function untilDone(): Promise<void> {
  for (const limit = Date.now() + 20_000; Date.now() < limit; await sleep(30)) {
    const { lag, pending } = await groupOf();
    if (lag === 0 && pending === 0) return;
  }
  throw new Error(`events are left: ${JSON.stringify(await groupOf())}`);
}

/** Entries of the dead letters as objects, in order. */
async function deadLetters(key = 'events:dead'): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(key, '-', '+');
  return entries.map(([, flat]) =>
    Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!])),
  );
}

describe('prescore stream', () => {
  it('scores what is in the stream; the newest event of a key wins, and a newer table over all', async () => {
    const folder = tempFolder();
    const table = setJob(folder, { store: server.url, set: 'sums' });
    const createdAt = '2026-01-05T00:00:00.000Z';
    await commitRows(table, { parts: [`select 'k' || i as id, 1::float as y from range(4) t(i)`], createdAt });
    await publishHere(table);
    const event = { features: 'payload', time: 'at', ignore: ['trace'] };
    const file = await files({ event, batch: { maxRows: 3 }, deadLetter: 'dead' });
    const add = (id: unknown, at: unknown, c0: unknown): Promise<unknown> =>
      redis.xadd('events', '*', 'trace', 't', 'payload', JSON.stringify({ id, at, c0, c1: 2, c2: null, trace: 1 }));
    await add('k0', '2026-01-06T00:00:00Z', 10);
    await add('k0', '2026-01-06T00:00:00.500+00:00', 20);
    await add('k0', '2026-01-05T23:59:59Z', 30);
    await add('k1', '2026-01-04T00:00:00Z', 40);
    await add('k2', Date.parse('2026-01-07T00:00:00Z'), 50);
    await redis.xadd('events', '*', 'id', 'new', 'at', '1767744000001', 'payload', '{"c0":1,"c1":2,"c2":3}');
    await redis.xadd('events', '*', 'id', 'k3', 'at', '1767744000001', 'payload', '{"c0":1,"c1":2,"c2":3,"c9":3}');
    // c2 is null: NaN for this model, whose answer is then no number.
    const first = startStream(file, ['--once']);
    expect(await first.ended).toBe(3);
    expect((await deadLetters('dead')).map((d) => `${d['prescore_rule']} ${d['prescore_column']}`)).toEqual([
      ...Array(5).fill('bad_output y'),
      'unknown_feature c9',
    ]);
    expect(await answers(['k0', 'k3', 'new'])).toEqual(['1 set', '1 set', '6 overlay']);
    const sums = JSON.stringify({ c1: 0, c2: 0 }).slice(1);
    for (const [id, at, c0] of [
      ['k0', '2026-01-06T00:00:00Z', 10],
      ['k0', '2026-01-06T00:00:00.500+00:00', 20],
      ['k0', '2026-01-05T23:59:59Z', 30],
      ['k1', '2026-01-04T00:00:00Z', 40],
      ['k2', String(Date.parse('2026-01-07T00:00:00Z')), 50],
    ])
      await redis.xadd('events', '*', 'id', id!, 'at', at!, 'payload', `{"c0":${c0},${sums}`);
    const second = startStream(file, ['--max-events', '5']);
    expect(await second.ended).toBe(0);
    expect(await answers(['k0', 'k1', 'k2', 'k3'])).toEqual(['20 overlay', '1 set', '50 overlay', '1 set']);
    expect(await groupOf()).toMatchObject({ pending: 0, lag: 0, consumers: 0 });
  });

  it('puts what cannot be scored beside, with the reason, and goes on', async () => {
    const file = await files({ event: { key: 'who', time: 'at' } });
    const at = '2026-01-01T00:00:00Z';
    const good = { c0: '1', c1: '2', c2: '3' };
    const add = (fields: Record<string, string | Buffer>): Promise<unknown> =>
      redis.xadd('events', '*', ...Object.entries(fields).flat());
    await add({ who: 'a', at, ...good });
    await add({ at, ...good });
    await add({ who: 'b', at: 'yesterday', ...good });
    await add({ who: 'b', at: '2999-01-01T00:00:00Z', ...good });
    await add({ who: 'b', at, ...good, c0: 'one' });
    await add({ who: 'b', at, ...good, c7: '1' });
    await add({ who: 'b', at, ...good, c0: Buffer.from([0xff]) });
    await add({ who: 'b', at, ...good, c0: 'inf' });
    await add({ who: 'x'.repeat(2000), at, ...good });
    await add({ who: 'c', at, ...good, c0: ' 2e0 ' });
    expect(await startStream(file, ['--once']).ended).toBe(3);
    const dead = await deadLetters();
    expect(dead.map((d) => `${d['prescore_rule']} ${d['prescore_column']}`)).toEqual([
      'bad_key who',
      'bad_time at',
      'bad_time at',
      'bad_feature c0',
      'unknown_feature c7',
      'bad_utf8 c0',
      'bad_output y',
      'bad_key who',
    ]);
    expect(dead[3]).toMatchObject({ who: 'b', at, c0: 'one', prescore_deliveries: '1' });
    expect(dead[3]!['prescore_message']).toBe('expected a number that a FLOAT holds');
    expect(dead[3]!['prescore_id']).toMatch(/^\d+-\d+$/);
    expect(await answers(['a', 'b', 'c'])).toEqual(['6 overlay', null, '7 overlay']);
    expect(await groupOf()).toMatchObject({ pending: 0, lag: 0 });
  });

  it('is shared by two consumers, tells its lag, and ends in peace after SIGTERM', async () => {
    const file = await files({ batch: { maxRows: 50, maxWait: '20ms' } });
    const both = ['one', 'two'].map((name) => startStream(file, ['--name', name, '--metrics', '0']));
    const [line] = await Promise.all(both.map((one) => one.said('stream takes events')));
    const metrics = String(line?.['metrics']);
    for (let from = 0; from < 2000; from += 200) await addSums(from, 200, 400);
    await untilDone();
    await expectSums(2000, 400);
    const text = await (await fetch(`${metrics}/metrics`)).text();
    expect(text).toMatch(/^prescore_stream_lag_events 0$/m);
    expect(text).toMatch(/^prescore_stream_pending_events 0$/m);
    expect(text).toMatch(/^prescore_stream_oldest_seconds 0$/m);
    expect(text).toMatch(/^prescore_stream_events_total\{job="stream-job",outcome="written"\} [1-9]/m);
    expect(await (await fetch(`${metrics}/health/ready`)).text()).toBe('ok\n');
    await addSums(2000, 1000, 400);
    for (const { child } of both) child.kill('SIGTERM');
    expect(await Promise.all(both.map((one) => one.ended))).toEqual([0, 0]);
    const { pending, consumers } = await groupOf();
    expect([pending, consumers]).toEqual([0, 0]);
    expect(await startStream(file, ['--once']).ended).toBe(0);
    await expectSums(3000, 400);
  });

  it.each(['stream-scored', 'stream-told'])('loses nothing when it is killed at %s', async (point) => {
    const file = await files({ batch: { maxRows: 40 }, retry: { claimAfter: '300ms' } });
    await addSums(0, 200, 60);
    await redis.xadd('events', '*', 'id', 'bad', 'c0', 'x');
    const killed = startStream(file, [], { PRESCORE_FAULT: `${point}#2` });
    expect(await killed.ended).toBe('SIGKILL');
    expect(await groupOf()).toMatchObject({ pending: expect.toBeOneOf([80, 120]) });
    const next = startStream(file);
    await untilDone();
    await expectSums(200, 60);
    expect(new Set((await deadLetters()).map((d) => d['id']))).toEqual(new Set(['bad']));
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
  });

  it('goes on after the scorer, then Redis, was killed, and after FLUSHALL', async () => {
    const file = await files({ batch: { maxRows: 20 } });
    const stream = startStream(file, ['--metrics', '0']);
    const { metrics } = await stream.said('stream takes events');
    await addSums(0, 500, 30);
    const [scorer] = childrenOf(stream.child.pid!);
    process.kill(scorer!, 'SIGKILL');
    await addSums(500, 100, 30);
    await untilDone();
    await expectSums(600, 30);
    await server.kill();
    await stream.said('reading:');
    expect((await fetch(`${metrics}/health/ready`)).status).toBe(503);
    await server.restart();
    await addSums(600, 100, 30);
    await untilDone();
    await expectSums(700, 30);
    await redis.flushall();
    await addSums(700, 100, 30);
    await stream.said('the consumer group was gone');
    await untilDone();
    expect(await answers(['k0', 'k29'])).toEqual(['2343 overlay', '2340 overlay']);
    stream.child.kill('SIGTERM');
    expect(await stream.ended).toBe(0);
  });

  it('takes an event that was delivered too often for what ends its consumers', async () => {
    const file = await files({ retry: { claimAfter: '100ms', maxDeliveries: 2 } });
    await redis.xgroup('CREATE', 'events', 'prescore', '0', 'MKSTREAM');
    await addSums(0, 3, 3);
    await redis.xreadgroup('GROUP', 'prescore', 'dead', 'COUNT', 2, 'STREAMS', 'events', '>');
    const [[first = ''] = []] = await redis.xrange('events', '-', '+', 'COUNT', 1);
    await redis.xclaim('events', 'prescore', 'dead', 0, first);
    await sleep(150);
    expect(await startStream(file, ['--once']).ended).toBe(3);
    const [letter] = await deadLetters();
    expect(letter).toMatchObject({ id: 'k0', prescore_rule: 'too_many_deliveries', prescore_deliveries: '3' });
    expect(await answers(['k0', 'k1', 'k2'])).toEqual([null, '6 overlay', '9 overlay']);
  });
});
