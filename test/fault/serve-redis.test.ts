import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { publishHere } from '../harness/publish-here.ts';
import { connectTo } from '../harness/raw-http.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { ask, type JsonAnswer, type ServeProcess, serveFor, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

/* What happens under load when Redis dies, hangs or comes back, and when the server is told to end. */

const LIMIT_MS = 100;
/** Of a request on a machine that has other work. */
const SLACK_MS = 400;

interface Seen {
  readonly at: number;
  readonly ms: number;
  readonly status: number;
  readonly source: string;
}

describe('a server under load', () => {
  let redis: RedisServer;
  let server: ServeProcess;
  let path = '';
  const folder = suiteFolder();
  beforeAll(async () => {
    redis = await startRedis({ persistent: true });
    const job = setJob(folder, { store: redis.url, set: 'things' });
    await commitRows(job, { parts: [`select 'k' || i as id, i::float as y from range(5000) t(i)`] });
    await publishHere(job);
    const sets = {
      things: { store: redis.url },
      calm: { store: redis.url, order: ['cache', 'default'], default: { y: -1 } },
    };
    path = writeServe(folder, { sets, limits: { lookupTime: `${LIMIT_MS}ms` } });
    server = await startServe(path);
  });
  afterAll(async () => {
    expect(await server?.stop()).toBe(0);
    await redis?.stop();
  });

  /** Eight clients that ask one key after the other until told to end. */
  function load(set: string, url = server.url): { readonly seen: Seen[]; readonly end: () => Promise<Seen[]> } {
    const seen: Seen[] = [];
    let isOver = false;
    const client = async (n: number): Promise<void> => {
      for (let i = n; !isOver; i += 8) {
        const at = performance.now();
        const { status, body } = await ask(`${url}/v1/predictions/${set}`, { key: `k${i % 5000}` });
        seen.push({ at, ms: performance.now() - at, status, source: String(body['source'] ?? '') });
        await sleep(2);
      }
    };
    const all = Promise.all(Array.from({ length: 8 }, (_, n) => client(n)));
    return {
      seen,
      end: async () => {
        isOver = true;
        await all;
        return seen;
      },
    };
  }

  const backAgain = async (): Promise<JsonAnswer> => ask(`${server.url}/v1/predictions/things`, { key: 'k1' });
  const slowest = (seen: readonly Seen[]): number => Math.max(...seen.map(({ ms }) => ms));

  for (const [name, take, give] of [
    ['killed', () => redis.kill(), () => redis.restart()],
    ['stopped', async () => redis.pause(), async () => redis.resume()],
  ] as const) {
    it(`Redis is ${name}: 503 in time, never a hang, and answers again soon after it is back`, async () => {
      const things = load('things');
      await expect.poll(() => things.seen.length, { timeout: 5_000 }).toBeGreaterThan(50);
      await take();
      const lost = performance.now();
      await sleep(1_000);
      const calm = load('calm');
      await sleep(500);
      const given = await calm.end();
      await give();
      const back = performance.now();
      await expect.poll(async () => (await backAgain()).status, { timeout: 10_000, interval: 20 }).toBe(200);
      const recoveryMs = performance.now() - back;
      await sleep(100);
      const seen = await things.end();
      expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200, 503]));
      expect(slowest(seen)).toBeLessThan(2 * LIMIT_MS + SLACK_MS);
      // Once the breaker is open nobody waits for Redis.
      const open = seen.filter(({ at }) => at > lost + 1_000 && at < back);
      expect(open.every(({ status }) => status === 503)).toBe(true);
      expect(open.length).toBeGreaterThan(20);
      expect(median(open.map(({ ms }) => ms))).toBeLessThan(LIMIT_MS);
      expect(new Set(given.map(({ source }) => source))).toEqual(new Set(['default']));
      expect(recoveryMs).toBeLessThan(4_000);
      console.log(
        `${name}: ${seen.length} requests, slowest ${slowest(seen).toFixed(0)} ms, back ${recoveryMs.toFixed(0)} ms after Redis`,
      );
      const retry = await fetch(`${server.metricsUrl}/metrics`).then((r) => r.text());
      expect(retry).toMatch(/prescore_breaker_state\{[^}]*\} 0/);
    });
  }

  it('503 says when to ask again', async () => {
    redis.pause();
    try {
      const { status, headers, body } = await ask(`${server.url}/v1/predictions/things`, { key: 'k3' });
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
      expect(body).toMatchObject({ error: { code: 'PREDICTIONS_UNAVAILABLE' } });
      expect(JSON.stringify(body)).not.toContain('redis:');
      expect((await ask(`${server.url}/v1/predictions/things`, { keys: ['k3', 'k4'] })).status).toBe(503);
    } finally {
      redis.resume();
    }
  });

  it('a server that starts before its Redis answers when it comes', async () => {
    await redis.kill();
    const early = await serveFor(path);
    expect((await ask(`${early.url}/v1/predictions/things`, { key: 'k3' })).status).toBe(503);
    await redis.restart();
    await expect
      .poll(async () => (await ask(`${early.url}/v1/predictions/things`, { key: 'k3' })).status, {
        timeout: 8_000,
        interval: 50,
      })
      .toBe(200);
  });

  it('SIGTERM: readiness is off at once, what is asked is answered, exit 0', async () => {
    const own = await startServe(path, ['--drain', '600ms', '--grace', '5s']);
    let refused = 0;
    const lost: string[] = [];
    let answered = 0;
    let isOver = false;
    const client = async (): Promise<void> => {
      for (let i = 0; !isOver; i++) {
        try {
          const { status } = await ask(`${own.url}/v1/predictions/things`, { key: `k${i}` });
          if (status === 200) answered++;
          else lost.push(`status ${status}`);
        } catch (error) {
          // The port is closed: nothing was sent. Anything else is a request that was taken and not answered.
          const cause = (error as { cause?: { code?: string } }).cause;
          if (cause?.code !== 'ECONNREFUSED') lost.push(String(cause?.code ?? error));
          else refused++;
          await sleep(5);
        }
      }
    };
    const clients = Array.from({ length: 8 }, client);
    // Connected, and never asking anything.
    const silent = [connectTo(own.url), connectTo(own.url)].map((socket) => socket.on('error', () => undefined));
    await expect.poll(() => answered, { timeout: 5_000 }).toBeGreaterThan(200);
    const told = performance.now();
    own.child.kill('SIGTERM');
    await expect
      .poll(async () => (await fetch(`${own.metricsUrl}/health/ready`)).status, { timeout: 500, interval: 10 })
      .toBe(503);
    const before = answered;
    expect(await own.ended).toBe(0);
    const tookMs = performance.now() - told;
    isOver = true;
    for (const socket of silent) socket.destroy();
    await Promise.all(clients);
    expect({ lost, more: answered > before, refused: refused > 0 }).toEqual({ lost: [], more: true, refused: true });
    expect(tookMs).toBeGreaterThan(500);
    expect(tookMs).toBeLessThan(4_000);
  });

  it('a second signal ends it at once', async () => {
    const own = await startServe(path, ['--drain', '20s']);
    own.child.kill('SIGTERM');
    await expect
      .poll(async () => (await fetch(`${own.url}/health/ready`)).status, { timeout: 1_000, interval: 10 })
      .toBe(503);
    own.child.kill('SIGTERM');
    expect(await own.ended).toBe(143);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
