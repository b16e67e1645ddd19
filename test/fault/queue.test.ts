import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { prescore, startPrescore } from '../harness/cli.ts';
import { freePorts } from '../harness/free-ports.ts';
import {
  AS_OF,
  FLIGHT_ROWS,
  fileFolder,
  flightsJob,
  partDigests,
  recordedChunks,
  SHORT_LOCKS,
  startWorker,
  type TestWorker,
  until,
  waitingIn,
  writeFlights,
} from '../harness/queue-run.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';

/*
 * P4, P5, P14: what happens to processes, locks and Redis costs time, never rows. The proof with many random faults:
 * npm run prove -- queue.
 */
describe('faults of the queue', () => {
  const home = fileFolder('queue-faults');
  let input = '';
  let expected: Record<string, string> = {};

  beforeAll(async () => {
    input = await writeFlights(home);
    const embedded = await prescore(['run', flightsJob(join(home, 'embedded'), input), ...AS_OF]);
    expect(embedded.code).toBe(0);
    expected = partDigests(join(home, 'embedded/out'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  async function ownRedis(options: Parameters<typeof startRedis>[0] = { persistent: false }): Promise<RedisServer> {
    const server = await startRedis(options);
    onTestFinished(() => server.stop());
    return server;
  }

  async function worker(redis: string, folder: string, more: readonly string[] = SHORT_LOCKS): Promise<TestWorker> {
    const started = await startWorker(redis, folder, more);
    onTestFinished(async () => {
      started.child.kill('SIGKILL');
      await started.result;
    });
    return started;
  }

  function expectSame(folder: string): void {
    expect(partDigests(join(folder, 'out'))).toEqual(expected);
    expect(waitingIn(join(folder, 'out'))).toEqual([]);
  }

  it('Redis emptied, a worker killed and Redis restarted empty in the middle of a run: the same bytes', async () => {
    const folder = join(home, 'lost');
    const out = join(folder, 'out');
    const job = flightsJob(folder, input);
    const redis = await ownRedis();
    const first = await worker(redis.url, folder);
    const run = startPrescore(['run', job, ...AS_OF, '--redis', redis.url, '--json']);
    await until(() => recordedChunks(out) >= 4);
    const client = new Redis(redis.url);
    client.on('error', () => undefined);
    await client.flushall();
    client.disconnect();
    await until(() => recordedChunks(out) >= 8);
    await worker(redis.url, folder);
    first.child.kill('SIGKILL');
    await until(() => recordedChunks(out) >= 12);
    await redis.kill();
    await redis.restart();
    const result = await run.result;
    expect([result.code, result.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(result.events.at(-1)).toMatchObject({
      event: 'done',
      rows: FLIGHT_ROWS,
      parts: Object.keys(expected).length,
    });
    expectSame(folder);
  });

  it('a worker stopped past its lock, with chunks in its scorer, changes nothing when it goes on', async () => {
    const folder = join(home, 'stopped');
    const out = join(folder, 'out');
    const job = flightsJob(folder, input);
    const redis = await ownRedis();
    const stopped = await worker(redis.url, folder);
    const run = startPrescore(['run', job, ...AS_OF, '--redis', redis.url, '--json']);
    await until(() => recordedChunks(out) >= 3);
    stopped.child.kill('SIGSTOP');
    await worker(redis.url, folder);
    // Everything but what the stopped one holds; its locks run out, the other takes over and finishes the run.
    expect((await run.result).code).toBe(0);
    const records = recordedChunks(out);
    stopped.child.kill('SIGCONT');
    await sleep(1_500);
    expect(recordedChunks(out)).toBe(records);
    expect(await stopped.stop()).toBe(0);
    expectSame(folder);
  });

  it('SIGTERM: tasks in work are finished or given back, the exit code is 0, another worker goes on at once', async () => {
    const folder = join(home, 'graceful');
    const out = join(folder, 'out');
    const redis = await ownRedis();
    // The locks of 60 s would show a task that was not given back.
    const first = await worker(redis.url, folder, ['--grace', '10s']);
    const run = startPrescore(['run', flightsJob(folder, input), ...AS_OF, '--redis', redis.url, '--json']);
    await until(() => recordedChunks(out) >= 3);
    expect(await first.stop()).toBe(0);
    expect(first.log()).toContain('worker has stopped');
    await worker(redis.url, folder, []);
    expect((await run.result).code).toBe(0);
    expectSame(folder);
  });

  it('runs cancel ends a run everywhere, and runs retry goes on where it was', async () => {
    const folder = join(home, 'cancelled');
    const out = join(folder, 'out');
    const job = flightsJob(folder, input);
    const redis = await ownRedis();
    const working = await worker(redis.url, folder);
    const run = startPrescore(['enqueue', job, ...AS_OF, '--wait', '--redis', redis.url, '--json']);
    await until(() => recordedChunks(out) >= 3);
    // So that the run is not over before the cancel is written.
    working.child.kill('SIGSTOP');
    const id = 'test-job.e3b0c442.20130401T000000Z.1';
    expect((await prescore(['runs', 'cancel', '--state', join(out, '_prescore'), id])).code).toBe(0);
    const result = await run.result;
    expect([result.code, result.stderr]).toEqual([130, expect.stringContaining('RUN_CANCELLED')]);
    await sleep(1_100);
    working.child.kill('SIGCONT');
    await sleep(700);
    const kept = recordedChunks(out);
    expect(kept).toBeLessThan(Object.keys(expected).length);
    const shown = await prescore(['runs', 'list', job, '--json']);
    expect(shown.events[0]).toMatchObject({ runId: id, state: 'cancelled', chunksDone: kept });
    expect((await prescore(['runs', 'retry', job, id])).code).toBe(0);
    // Joins what was asked for again.
    const again = await prescore(['enqueue', job, ...AS_OF, '--wait', '--redis', redis.url, '--json']);
    expect(again.code).toBe(0);
    expectSame(folder);
    const logs = await prescore(['runs', 'logs', job, id]);
    expect(logs.stdout.match(/ asked| cancelled| planned| committed/g)).toEqual(
      expect.arrayContaining([' asked', ' cancelled', ' asked', ' planned', ' committed']),
    );
    expect(logs.stdout.match(/ chunk +chunk /g)).toHaveLength(Object.keys(expected).length);
  });

  it('a chunk that cannot be scored fails the run with its code; what others scored is kept', async () => {
    const folder = join(home, 'failing');
    const redis = await ownRedis();
    const started = await worker(redis.url, folder);
    const own = await writeFlights(folder);
    const job = flightsJob(folder, own);
    const run = startPrescore(['run', job, ...AS_OF, '--redis', redis.url, '--json']);
    await until(() => recordedChunks(join(folder, 'out')) >= 2);
    truncateSync(own, statSync(own).size - 1);
    const result = await run.result;
    expect([result.code, result.stderr]).toEqual([4, expect.stringMatching(/INPUT_(CHANGED|TRUNCATED)/)]);
    const [shown] = (await prescore(['runs', 'show', job, 'test-job.e3b0c442.20130401T000000Z.1', '--json'])).events;
    expect(shown).toMatchObject({ state: 'failed', error: { code: expect.stringMatching(/^INPUT_/) } });
    expect(shown?.['failures']).toContainEqual(
      expect.objectContaining({ kind: 'chunk', i: 1, worker: expect.stringMatching(/:\d+$/) }),
    );
    expect(Number(shown?.['chunksDone'])).toBeGreaterThanOrEqual(2);
    expect(started.log()).toContain('run failed');
  });

  it('a scorer that cannot load is tried again elsewhere, five times at most, and the run says why', async () => {
    const folder = join(home, 'loading');
    const redis = await ownRedis();
    await worker(redis.url, folder);
    const model = join(folder, 'not-a-model.onnx');
    const job = flightsJob(folder, input, { model: { uri: model, sha256: 'ab'.repeat(32) } });
    writeFileSync(model, 'no model');
    const result = await prescore(['run', job, ...AS_OF, '--redis', redis.url, '--json']);
    expect([result.code, result.stderr]).toEqual([5, expect.stringContaining('MODEL_')]);
  });

  it('a Redis that evicts is refused, and taken with --allow-eviction; one that is down never hangs enqueue', async () => {
    const job = flightsJob(join(home, 'refused-redis'), input);
    const enqueue = (url: string, ...more: string[]) => prescore(['enqueue', job, ...AS_OF, '--redis', url, ...more]);
    const evicts = async (maxmemoryPolicy: string): Promise<void> => {
      const redis = await ownRedis({ persistent: false, maxmemoryPolicy });
      const worker = prescore(['worker', '--allow', home, '--redis', redis.url]);
      for (const { code, stderr } of [await enqueue(redis.url), await worker]) {
        expect([code, stderr]).toEqual([6, expect.stringMatching(/QUEUE_CONFIG.*noeviction.*got (allkeys|volatile)/)]);
      }
      const taken = await enqueue(redis.url, '--allow-eviction');
      expect([taken.code, taken.stdout]).toEqual([0, 'test-job.e3b0c442.20130401T000000Z.1\n']);
    };
    const silent = createServer(() => undefined);
    const [closedPort, silentPort] = await freePorts(2);
    await new Promise<void>((resolve) => silent.listen(silentPort, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const paused = await ownRedis();
    paused.pause();
    const isDown = async (url: string): Promise<void> => {
      const started = performance.now();
      const { code, stderr } = await enqueue(url);
      expect([code, stderr]).toEqual([6, expect.stringContaining('QUEUE_')]);
      expect(performance.now() - started).toBeLessThan(25_000);
    };
    const down = [`redis://127.0.0.1:${closedPort}`, `redis://127.0.0.1:${silentPort}`, paused.url];
    await Promise.all([...down.map(isDown), evicts('allkeys-lru'), evicts('volatile-ttl')]);
    expect((await prescore(['runs', 'list', job, '--json'])).events).toHaveLength(1);
    paused.resume();
  });

  it('a task for a state that is not allowed is refused and left for others', async () => {
    const folder = join(home, 'refused');
    const redis = inject('redisUrl').replace(/\/0$/, '/7');
    const refusing = await worker(redis, join(home, 'elsewhere'));
    const asked = await prescore(['enqueue', flightsJob(folder, input), ...AS_OF, '--redis', redis]);
    expect(asked.code).toBe(0);
    await until(() => refusing.log().includes('STATE_REFUSED'));
    expect(recordedChunks(join(folder, 'out'))).toBe(0);
    await refusing.stop();
    // It is told once of the state, and finds the run by its records.
    await worker(redis, folder, [...SHORT_LOCKS, '--state', join(folder, 'out/_prescore')]);
    await until(() => Object.keys(safeDigests(join(folder, 'out'))).length === Object.keys(expected).length);
  });
});

function safeDigests(out: string): Record<string, string> {
  try {
    return partDigests(out);
  } catch {
    // Nothing is committed yet.
    return {};
  }
}
