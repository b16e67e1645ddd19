import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { publishHere } from '../harness/publish-here.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { ask, PATIENT, type ServeProcess, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const columns = { y: 'y', big: 'big', odd: 'odd', tags: 'tags' };
const rows = `select 'k' || i as id, (i + 0.1)::float as y, (9007199254740990 + i)::bigint as big,
  case when i = 1 then 'nan'::double when i = 2 then '-inf'::double else '-0'::double end as odd,
  [i, null]::int[] as tags from range(2000) t(i)`;

describe('lookups over HTTP', () => {
  let redis: RedisServer;
  let server: ServeProcess;
  const folder = suiteFolder();
  beforeAll(async () => {
    redis = await startRedis({ persistent: false });
    const job = setJob(folder, { store: redis.url, set: 'numbers' }, { outputs: columns });
    await commitRows(job, { parts: [rows] });
    await publishHere(job);
    const pair = setJob(`${folder}/pair`, { store: redis.url, set: 'pairs', key: ['a', 'id'] }, { id: ['a', 'id'] });
    await commitRows(pair, { parts: [`select 'x' as a, i as id, i::float as y from range(10) t(i)`] });
    await publishHere(pair);
    const sets = {
      numbers: { store: redis.url, maxAge: '1h', staleFor: '1h' },
      pairs: { store: redis.url },
      none: { store: redis.url },
    };
    server = await startServe(writeServe(folder, { sets, limits: PATIENT }));
  });
  afterAll(async () => {
    await server?.stop();
    await redis?.stop();
  });
  const at = (path: string): string => `${server.url}/v1/predictions/${path}`;

  it('one key: values, where they come from, and how long it took', async () => {
    const { status, body, headers } = await ask(at('numbers'), { key: 'k5' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      set: 'numbers',
      key: 'k5',
      source: 'cache',
      values: { y: Math.fround(5.1), big: '9007199254740995', odd: -0, tags: [5, null] },
      runId: 'set-job.all.1',
      model: { name: 'model', version: '7', sha256: 'ab'.repeat(32) },
      timings: { lookupMs: expect.any(Number), totalMs: expect.any(Number) },
    });
    expect(body['ageMs']).toBeGreaterThan(0);
    expect(headers.get('server-timing')).toMatch(/^lookup;dur=[\d.]+, total;dur=[\d.]+$/);
    expect(headers.get('x-request-id')).toMatch(/./);
  });

  it('values that JSON has no number for are texts', async () => {
    const { body } = await ask(at('numbers'), { keys: ['k1', 'k2', 'k3', 'k0'] });
    const values = (body['predictions'] as { values: Record<string, unknown> }[]).map((p) => [
      p.values['odd'],
      p.values['big'],
    ]);
    expect(values).toEqual([
      ['NaN', 9007199254740991],
      ['-Infinity', '9007199254740992'],
      [-0, '9007199254740993'],
      [-0, 9007199254740990],
    ]);
  });

  it('many keys: an answer or an error for each, in their order', async () => {
    const keys = [...Array.from({ length: 1022 }, (_, i) => `k${i}`), 'nobody', 'k7'];
    const { status, body } = await ask(at('numbers'), { keys });
    expect(status).toBe(200);
    const answers = body['predictions'] as { key: string; values?: { y: number }; error?: { code: string } }[];
    expect(answers.map((a) => a.key)).toEqual(keys);
    expect(answers.filter((a) => a.values !== undefined)).toHaveLength(1023);
    expect(answers[1022]).toEqual({
      key: 'nobody',
      error: {
        code: 'PREDICTION_NOT_FOUND',
        message:
          'There is no prediction for this key, and no way to make one. Check the key; send its features, or publish the set.',
      },
    });
  });

  it('keys of several columns, as a list', async () => {
    const { body } = await ask(at('pairs'), { keys: [['x', 3], ['x', '4'], ['y', 1], 'x', [1, 2, 3]] });
    expect(
      (body['predictions'] as Record<string, never>[]).map((p) => p['values']?.['y'] ?? p['error']?.['code']),
    ).toEqual([3, 4, 'PREDICTION_NOT_FOUND', 'KEY_INVALID', 'KEY_INVALID']);
  });

  it('a missing key, an unknown set and a set without publication are 404', async () => {
    expect(await ask(at('numbers'), { key: 'nobody' })).toMatchObject({
      status: 404,
      body: { error: { code: 'PREDICTION_NOT_FOUND' } },
    });
    expect(await ask(at('elsewhere'), { key: 'k1' })).toMatchObject({
      status: 404,
      body: { error: { code: 'HTTP_NOT_FOUND' } },
    });
    expect(await ask(at('none'), { key: 'k1' })).toMatchObject({
      status: 404,
      body: { error: { code: 'SET_UNKNOWN' } },
    });
  });

  it('GET has what HTTP caches need, and 304', async () => {
    const first = await ask(at('numbers/k5'));
    expect(first).toMatchObject({ status: 200, body: { key: 'k5', source: 'cache', values: { tags: [5, null] } } });
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
    const age = Number(first.headers.get('age'));
    expect(first.headers.get('cache-control')).toBe(`public, max-age=${age + 5}, stale-while-revalidate=3600`);
    const again = await fetch(at('numbers/k5'), { headers: { 'if-none-match': `"other", ${etag}` } });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await ask(at('numbers/k6'), undefined, { 'if-none-match': etag })).status).toBe(200);
    expect((await ask(at('numbers/no%2Fbody'))).status).toBe(404);
  });

  it('many single keys at once go to the store together', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(at('numbers'), { key: `k${i}` })));
    expect(all.map(({ body }) => (body['values'] as { y: number }).y)).toEqual(
      Array.from({ length: 200 }, (_, i) => Math.fround(i + 0.1)),
    );
    const text = await (await fetch(`${server.metricsUrl}/metrics`)).text();
    const [, sum, count] = /prescore_lookup_keys_sum (\d+)\n.*_count (\d+)/.exec(text) ?? [];
    expect(Number(count)).toBeLessThan(Number(sum));
    expect(text).toMatch(/prediction_total\{model_name="model",status="success"\} \d+/);
    expect(text).toMatch(/prediction_latency_seconds_count\{set="numbers",endpoint="predictions"\} \d+/);
    expect(text).toMatch(/prescore_answers_total\{set="numbers",source="cache"\} \d+/);
    expect(text).toMatch(/prescore_breaker_state\{store="redis:[^"]+"\} 0/);
  });
});
