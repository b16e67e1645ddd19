import { afterEach, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { type RedisOptions, startRedis } from '../harness/redis-server.ts';

const ends: (() => Promise<void>)[] = [];

async function server(options: RedisOptions): Promise<{ readonly url: string; readonly port: string }> {
  const started = await startRedis({ persistent: false, ...options });
  ends.push(() => started.stop());
  return { url: started.url, port: new URL(started.url).port };
}

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('F115 doctor names what is wrong with a queue', () => {
  // Some of them wait until they give up: they wait together.
  it('a wrong scheme, port 0, nobody there, TLS to a plain port', async () => {
    const { port } = await server({});
    const cases: readonly (readonly [string, RegExp])[] = [
      ['http://127.0.0.1:6379', /not the URL of a Redis/],
      ['redis://127.0.0.1:0', /a host and port that cannot be/],
      ['redis://127.0.0.1:1', /ECONNREFUSED/],
      [`rediss://127.0.0.1:${port}`, /^fail +queue +QUEUE_UNAVAILABLE/m],
    ];
    const said = await Promise.all(cases.map(([url]) => prescore(['doctor', '--redis', url])));
    for (const [i, { code, stdout }] of said.entries()) {
      expect(stdout).toMatch(/^fail +queue /m);
      expect(stdout).toMatch(cases[i]![1]);
      expect(code).toBe(6);
    }
  });

  it('a password that is missing or wrong', async () => {
    const { url } = await server({ args: ['--requirepass', 'right'] });
    for (const [env, of] of [
      [{}, url],
      [{ PRESCORE_REDIS_PASSWORD: 'wrong' }, url],
    ] as const) {
      const { code, stdout } = await prescore(['doctor', '--redis', of], { env });
      expect(stdout).toMatch(/^fail +queue +QUEUE_DENIED/m);
      expect(stdout).not.toContain('wrong');
      expect(code).toBe(6);
    }
    const right = await prescore(['doctor', '--redis', url], { env: { PRESCORE_REDIS_PASSWORD: 'right' } });
    expect(right.stdout).toMatch(/^warn +workers +none/m);
    expect(right.stdout).toMatch(/^ok +waiting tasks /m);
    expect(right.code).toBe(0);
    // A login in the address is for the clients of the queue, too; it is not shown.
    const own = await prescore(['doctor', '--redis', url.replace('//', '//:right@')]);
    expect(own.stdout).toMatch(/^ok +waiting tasks /m);
    expect(own.stdout).not.toContain('right');
  });

  it('an eviction policy, no persistence, and a replica', async () => {
    const evicting = await server({ maxmemoryPolicy: 'allkeys-lru' });
    const refused = await prescore(['doctor', '--redis', evicting.url]);
    expect(refused.stdout).toMatch(/^fail +queue +QUEUE_CONFIG: .*evict.*noeviction; got allkeys-lru/m);
    expect(refused.code).toBe(6);
    const allowed = await prescore(['doctor', '--redis', evicting.url], {
      env: { PRESCORE_REDIS_ALLOW_EVICTION: '1' },
    });
    expect(allowed.stdout).toMatch(/^warn +queue +.*allkeys-lru.*keeps nothing over a restart/m);
    expect(allowed.code).toBe(0);
    const replica = await server({ args: ['--replicaof', '127.0.0.1', evicting.port] });
    const readonly = await prescore(['doctor', '--redis', replica.url]);
    expect(readonly.stdout).toMatch(/^fail +queue +QUEUE_CONFIG: .*replica/m);
  });
});
