import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisConnection } from '../../src/sets/redis/connection.ts';
import { prescore } from '../harness/cli.ts';
import { childrenOf } from '../harness/processes.ts';
import { readParquet } from '../harness/read-parquet.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { ask, PATIENT, type ServeProcess, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { FLIGHT_FEATURES, fixtures, flightJob, writeJob } from '../harness/temp-job.ts';

interface Given {
  readonly key: string;
  readonly source: string;
  readonly reason?: string;
  readonly values: Readonly<Record<string, number>>;
  readonly model: { readonly sha256: string };
  readonly error?: { readonly code: string; readonly message: string; readonly where?: string };
}

describe('a set with live inference', () => {
  let redis: RedisServer;
  let server: ServeProcess;
  let connection: RedisConnection;
  let flights: Record<string, unknown>[] = [];
  const folder = suiteFolder();
  beforeAll(async () => {
    redis = await startRedis({ persistent: false });
    connection = await RedisConnection.open(redis.url);
    const input = join(fixtures, 'flights/month=01/part-0.parquet');
    const predictions = { store: redis.url, set: 'flights', key: 'flight_id', values: ['prediction', 'probability'] };
    const job = writeJob(folder, flightJob(folder, { name: 'flights', predictions }));
    const ran = await prescore(['run', job, '--as-of', '2026-01-01']);
    expect([ran.code, ran.stderr]).toEqual([0, expect.any(String)]);
    flights = (await readParquet(input)).slice(0, 10_000);
    const hash = { redis: redis.url, key: 'features:{key}' };
    const sets = {
      flights: { job, maxAge: '1h', writeBack: { ttl: '1h' } },
      only: { job, store: redis.url, order: ['live'] },
      hashed: {
        job,
        store: redis.url,
        order: ['cache', 'live', 'default'],
        features: hash,
        default: { prediction: -1 },
      },
      stale: { job, store: redis.url, order: ['cache', 'live', 'stale'], maxAge: '0s', staleFor: '1h', features: hash },
      quick: {
        job,
        store: redis.url,
        order: ['cache', 'stale', 'live'],
        maxAge: '0s',
        staleFor: '1h',
        features: hash,
        writeBack: { ttl: '1h' },
      },
    };
    server = await startServe(writeServe(folder, { sets, batcher: { deadline: '5s' }, limits: PATIENT }));
  }, 120_000);
  afterAll(async () => {
    const code = await server?.stop();
    await connection?.close();
    await redis?.stop();
    expect(code).toBe(0);
  });
  const at = (path: string): string => `${server.url}/v1/predictions/${path}`;
  const featuresOf = (flight: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(FLIGHT_FEATURES.map((name) => [name, numberOf(flight[name])]));
  const idOf = (flight: Record<string, unknown>): string => String(flight['flight_id']);

  async function many(set: string, body: unknown): Promise<readonly Given[]> {
    // On a machine that is busy elsewhere the server may have too much to do for a moment, and says so.
    for (let tries = 1; ; tries++) {
      const { status, body: answer } = await ask(at(set), body);
      if (status === 503 && tries < 50) await setTimeout(100);
      else {
        expect(status).toBe(200);
        return answer['predictions'] as Given[];
      }
    }
  }

  it('10,000 flights: what batch has published and what is scored live are the same bits', async () => {
    const cached: Given[] = [];
    const live: Given[] = [];
    for (let from = 0; from < flights.length; from += 1000)
      cached.push(...(await many('flights', { keys: flights.slice(from, from + 1000).map(idOf) })));
    for (let from = 0; from < flights.length; from += 250) {
      const rows = flights.slice(from, from + 250).map((f) => ({ key: idOf(f), features: featuresOf(f) }));
      live.push(...(await many('only', { rows })));
    }
    expect(new Set(cached.map((c) => c.source))).toEqual(new Set(['cache']));
    expect(new Set(live.map((c) => c.source))).toEqual(new Set(['live']));
    expect(cached).toHaveLength(10_000);
    expect(live.map(({ key, values }) => ({ key, values }))).toEqual(
      cached.map(({ key, values }) => ({ key, values })),
    );
    expect(live[0]!.model.sha256).toBe(cached[0]!.model.sha256);
  });

  it('a key that is not in the set is scored, then found in it', async () => {
    const features = featuresOf(flights[7]!);
    const first = await ask(at('flights'), { key: 'brand-new', features });
    expect(first.body).toMatchObject({ source: 'live', runId: null, timings: { computeMs: expect.any(Number) } });
    expect(first.headers.get('server-timing')).toMatch(/lookup;dur=.*compute;dur=.*total;dur=/);
    await expect
      .poll(async () => (await ask(at('flights'), { key: 'brand-new', features })).body['source'], {
        timeout: 8_000,
        interval: 250,
      })
      .toBe('cache');
    const second = await ask(at('flights'), { key: 'brand-new' });
    expect(second.body['values']).toEqual(first.body['values']);
    expect((await ask(at('flights'), { key: 'other-new' })).body).toMatchObject({
      error: { code: 'FEATURES_NOT_FOUND' },
    });
  });

  it('a row that breaks a rule is an error of its own', async () => {
    const good = featuresOf(flights[0]!);
    const rows = [
      { key: 'a', features: good },
      { key: 'b', features: { ...good, no_such: 1 } },
      { key: 'c', features: { ...good, distance: 'far' } },
    ];
    const answers = await many('only', { rows });
    expect(answers.map((a) => a.source ?? a.error?.code)).toEqual(['live', 'FEATURES_INVALID', 'FEATURES_INVALID']);
    expect(answers[1]!.error?.where).toBe('no_such');
    expect(await ask(at('only'), rows[2])).toMatchObject({ status: 422, body: { error: { where: 'distance' } } });
  });

  it('features of a hash per key; a key without one gets the default', async () => {
    const flight = flights[3]!;
    const fields = Object.entries(featuresOf(flight)).flatMap(([k, v]) => (v === null ? [] : [k, String(v)]));
    for (const key of ['h1', idOf(flight)]) await connection.call(['HSET', `features:${key}`, ...fields]);
    const [a, b] = await many('hashed', { keys: ['h1', 'h2'] });
    expect([a?.source, b?.source, b?.reason, b?.values]).toEqual([
      'live',
      'default',
      'FEATURES_NOT_FOUND',
      { prediction: -1 },
    ]);
    const [same] = await many('flights', { keys: [idOf(flight)] });
    expect(a?.values).toEqual(same?.values);
  });

  it('single flight: a hundred requests for one key are one row of the model', async () => {
    const before = await figure('prescore_batch_rows_sum');
    const features = featuresOf(flights[9]!);
    const all = await Promise.all(Array.from({ length: 100 }, () => ask(at('only'), { key: 'herd', features })));
    expect(new Set(all.map(({ body }) => JSON.stringify(body['values']))).size).toBe(1);
    const rows = (await figure('prescore_batch_rows_sum')) - before;
    expect(rows).toBeGreaterThanOrEqual(1);
    expect(rows).toBeLessThan(50);
  });

  it('too old: scored live, or given as stale while it is refreshed', async () => {
    const flight = flights[3]!;
    // Sets of one store under other names are copies: the pointer and the meta name their pages.
    await copySet('flights', ['stale', 'quick']);
    expect((await ask(at('stale'), { key: idOf(flight) })).body['source']).toBe('live');
    expect((await ask(at('stale'), { key: idOf(flights[4]!) })).body['source']).toBe('stale');
    expect((await ask(at('quick'), { key: idOf(flight) })).body).toMatchObject({
      source: 'stale',
      runId: expect.any(String),
    });
    await expect
      .poll(async () => (await ask(at('quick'), { key: idOf(flight) })).body['runId'], {
        timeout: 8_000,
        interval: 250,
      })
      .toBeNull();
  });

  it('110: a client that goes before its answer costs nothing more', async () => {
    const gone = Array.from({ length: 50 }, async (_, i) => {
      const rows = flights
        .slice(i * 20, i * 20 + 200)
        .map((f, n) => ({ key: `gone-${i}-${n}`, features: featuresOf(f) }));
      const answer = fetch(at('only'), {
        method: 'POST',
        body: JSON.stringify({ rows }),
        headers: { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(30),
      });
      return answer.then(
        () => 'answered',
        () => 'gone',
      );
    });
    expect(await Promise.all(gone)).toContain('gone');
    await expect.poll(() => figure('prescore_in_flight'), { timeout: 5_000 }).toBe(0);
    const { status, body } = await ask(at('only'), { key: 'after', features: featuresOf(flights[5]!) });
    expect([status, body['source']]).toEqual([200, 'live']);
  });

  it('the scorer of trees is killed: the server answers a few rows by itself, lookups go on, and it comes back', async () => {
    const ids = flights.slice(0, 500).map(idOf);
    let isOver = false;
    const lookups: number[] = [];
    const reading = (async () => {
      for (let i = 0; !isOver; i++) lookups.push((await ask(at('flights'), { key: ids[i % 500] })).status);
    })();
    const live = async (): Promise<number> =>
      (await ask(at('only'), { key: 'x', features: featuresOf(flights[1]!) })).status;
    expect(await live()).toBe(200);
    const [child] = childrenOf(server.child.pid!);
    process.kill(child!, 'SIGKILL');
    const killed = performance.now();
    const statuses: number[] = [];
    await expect
      .poll(
        async () => {
          statuses.push(await live());
          return server.lines.some(({ msg }) => msg === 'scorer of a model is back');
        },
        { timeout: 10_000, interval: 20 },
      )
      .toBe(true);
    const recoveryMs = performance.now() - killed;
    isOver = true;
    await reading;
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(5);
    expect(new Set(lookups)).toEqual(new Set([200]));
    expect(lookups.length).toBeGreaterThan(20);
    expect(recoveryMs).toBeLessThan(8_000);
    expect(server.lines.map(({ msg }) => msg)).toContain('scorer of a model is down');
    expect(await figure('prescore_scorer_deaths_total')).toBe(1);
  });

  async function figure(name: string): Promise<number> {
    const text = await (await fetch(`${server.metricsUrl}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async function copySet(from: string, to: readonly string[]): Promise<void> {
    const keys = (await connection.call(['KEYS', `prescore:${from}:*`])) as Buffer[];
    for (const name of to) {
      const copies = keys.map((key) => ['COPY', key, String(key).replace(`:${from}:`, `:${name}:`)]);
      await connection.callAll(copies);
    }
  }
});

function numberOf(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
