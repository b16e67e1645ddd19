import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { PlannedChunk } from '../../src/base/contract/plan.ts';
import type { Origin } from '../../src/base/contract/queue-records.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { readVersions } from '../../src/cli/wiring/versions.ts';
import { ChunkOrder } from '../../src/fleet/queue/chunk-order.ts';
import { LAUNCHER_DEFAULTS, QueueLauncher } from '../../src/fleet/queue/queue-launcher.ts';
import { QueueRedis } from '../../src/fleet/queue/queue-redis.ts';
import { TaskQueues } from '../../src/fleet/queue/task-queues.ts';
import { LOCK, TaskSource } from '../../src/fleet/queue/task-source.ts';
import { prescore } from '../harness/cli.ts';
import { freePorts } from '../harness/free-ports.ts';
import {
  AS_OF,
  FLIGHT_ROWS,
  fileFolder,
  flightsJob,
  partDigests,
  SHORT_LOCKS,
  startWorker,
  type TestWorker,
  until,
  writeFlights,
} from '../harness/queue-run.ts';
import { adminClient, makeBucket, openUploads, useCredentials } from '../harness/s3-test-store.ts';
import { fixtures, sha256Of } from '../harness/temp-job.ts';

const home = fileFolder('queue');
// A database of its own: the server is shared with other test files.
const redisUrl = inject('redisUrl').replace(/\/0$/, '/5');
let input = '';

beforeAll(async () => {
  input = await writeFlights(home);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function worker(allow: string, more: readonly string[] = SHORT_LOCKS, env = {}): Promise<TestWorker> {
  const started = await startWorker(redisUrl, allow, more, env);
  onTestFinished(async () => {
    started.child.kill('SIGKILL');
    await started.result;
  });
  return started;
}

describe('workers', () => {
  it('two of them score a table over S3 to the bytes of the embedded run', async () => {
    const address = inject('s3');
    useCredentials(address);
    const bucket = await makeBucket(address, 'queue');
    const client = adminClient(address);
    onTestFinished(() => client.destroy());
    const model = join(fixtures, 'models/delay_histgb.onnx');
    for (const [key, path] of [
      ['in.parquet', input],
      ['model.onnx', model],
    ] as const)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: readFileSync(path) }));
    const job = flightsJob(join(home, 's3'), `s3://${bucket}/in.parquet`, {
      stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
      model: { uri: `s3://${bucket}/model.onnx`, name: 'delay_histgb', version: '1', sha256: sha256Of(model) },
      output: { uri: `s3://${bucket}/out`, lineage: true },
    });
    const local = await prescore(['run', flightsJob(join(home, 'embedded'), input), ...AS_OF]);
    expect(local.code).toBe(0);
    const endpoint = ['--endpoint', address.endpoint, '--region', address.region];
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => worker(`s3://${bucket}`, [...endpoint, '--name', name])),
    );
    const run = await prescore(['run', job, ...AS_OF, '--redis', redisUrl, '--json']);
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.events.map((e) => e['event'])).toEqual(expect.arrayContaining(['planned', 'chunk', 'done']));
    expect(run.events.at(-1)).toMatchObject({ rows: FLIGHT_ROWS, alreadyDone: false });

    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'out/part-' }));
    const digests: Record<string, string> = {};
    for (const { Key = '' } of Contents ?? []) {
      const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const bytes = await object.Body?.transformToByteArray();
      digests[Key.replace('out/', '')] = createHash('sha256')
        .update(bytes ?? '')
        .digest('hex');
    }
    expect(digests).toEqual(partDigests(join(home, 'embedded/out')));
    expect(await openUploads(address, bucket)).toEqual([]);
    const env = { PRESCORE_S3_ENDPOINT: address.endpoint };
    const [shown] = (await prescore(['runs', 'list', '--state', `s3://${bucket}/out/_prescore`, '--json'], { env }))
      .events;
    expect(shown).toMatchObject({ state: 'committed', workers: ['one', 'two'], rowsDone: FLIGHT_ROWS });
    expect((await prescore(['verify', `s3://${bucket}/out`, '--job', job])).code).toBe(0);
    // Done is done, on the queue too, and without a worker.
    expect([await one!.stop(), await two!.stop()]).toEqual([0, 0]);
    const again = await prescore(['run', job, ...AS_OF, '--redis', redisUrl, '--json']);
    expect(again.events.at(-1)).toMatchObject({ event: 'done', alreadyDone: true });
  });
});

describe('fair shares', () => {
  /** A database that nobody works on. */
  const quietUrl = inject('redisUrl').replace(/\/0$/, '/6');
  const state = '/none/_prescore';
  const chunks = (count: number): PlannedChunk[] =>
    Array.from({ length: count }, (_, n) => ({ n, bytes: 1, rows: 1, slices: [] }));

  /** Runs with their lanes in the queue, as workers keep them there. */
  async function consume(
    runs: readonly {
      readonly name: string;
      readonly origin: Origin;
      readonly count: number;
      readonly window: number;
    }[],
  ): Promise<string[]> {
    const redis = await QueueRedis.open(quietUrl, { allowEviction: false });
    const queues = await TaskQueues.open(redis);
    const source = await TaskSource.open(redis, 'test', LOCK);
    queues.onAdded = (origin) => source.refilled(origin);
    try {
      const orders = new Map(
        runs.map((run) => [run.name, { ...run, order: new ChunkOrder(chunks(run.count), run.window) }]),
      );
      for (const { name, origin, order } of orders.values())
        await queues.add(
          origin,
          order.heads().map((n) => ({ state, run: name, kind: 'chunk', n })),
        );
      const taken: string[] = [];
      for (let next = await source.next(); next !== null; next = await source.next()) {
        const { run, n } = next.task;
        taken.push(run);
        const { origin, order } = orders.get(run)!;
        order.markDone(n);
        const after = order.after(n);
        if (after !== null) await queues.add(origin, [{ state, run, kind: 'chunk', n: after }]);
        await next.done();
      }
      return taken;
    } finally {
      await source.close();
      await queues.close();
      await redis.close();
    }
  }

  it('a scheduled run is not behind a backfill of a thousand chunks, nor the other way round', async () => {
    const [backfill, nightly, byHand] = ['fill.e3b0c442.none.1', 'night.e3b0c442.none.1', 'hand.e3b0c442.none.1'];
    const taken = await consume([
      { name: backfill, origin: 'backfill', count: 300, window: 64 },
      { name: nightly, origin: 'schedule', count: 40, window: 64 },
      { name: byHand, origin: 'command', count: 20, window: 64 },
    ]);
    expect(taken).toHaveLength(360);
    // In turn as long as all wait: no queue is ever more than one task ahead of another.
    for (let i = 0; i + 3 <= 60; i += 3) expect(new Set(taken.slice(i, i + 3)).size).toBe(3);
    expect(taken.lastIndexOf(byHand)).toBeLessThan(61);
    expect(taken.lastIndexOf(nightly)).toBeLessThan(102);
  });

  it('runs of one queue take turns: a small one is done long before the big one that came first', async () => {
    const [big, small] = ['big.e3b0c442.none.1', 'small.e3b0c442.none.1'];
    const taken = await consume([
      { name: big, origin: 'command', count: 200, window: 8 },
      { name: small, origin: 'command', count: 20, window: 8 },
    ]);
    expect(taken).toHaveLength(220);
    // At most a window of the big one comes before each window of the small one.
    expect(taken.lastIndexOf(small)).toBeLessThan(8 * 3 + 20);
    expect(taken.slice(0, 44).filter((run) => run === big).length).toBeGreaterThanOrEqual(20);
  });
});

describe('a command of many runs', () => {
  it('publishes once, after the last of them, whoever waits; the launcher and metrics tell the same', async () => {
    const folder = join(home, 'months');
    const [port] = await freePorts(1);
    const started = await worker(folder, [...SHORT_LOCKS, '--metrics', `127.0.0.1:${port}`, '--slots', '4']);
    const month = '{partition}';
    const job = flightsJob(folder, join(fixtures, `flights/month=${month}/part-0.parquet`), {
      partitions: { values: ['01', '02'] },
      output: { uri: join(folder, `out/month=${month}`) },
      execution: { scorers: 2, chunkRows: 30_000 },
      predictions: {
        store: `lmdb:${join(folder, 'lookups')}`,
        set: 'delays',
        key: 'flight_id',
        values: ['prediction'],
      },
    });
    const asked = await prescore(['enqueue', job, '--redis', redisUrl]);
    expect([asked.code, asked.stdout.trim().split('\n')]).toEqual([0, [expect.any(String), expect.any(String)]]);
    const launcher = await openLauncher();
    const loaded = loadJob(job);
    // Joins the run that is asked for already.
    const request = { job: loaded, partition: '02', logicalTime: null, origin: 'backfill', isNewRun: false } as const;
    const outcome = await launcher.launch({ ...request, isIfChanged: false }, new AbortController().signal);
    expect(outcome).toMatchObject({ kind: 'done', done: { rows: 24_951, partition: '02' } });
    const published = async (): Promise<readonly Record<string, unknown>[]> =>
      (await prescore(['sets', 'show', 'delays', '--store', `lmdb:${join(folder, 'lookups')}`, '--json'])).events;
    // The generation is listed while it is being written.
    await until(async () => JSON.stringify(await published()).includes(`"rows":${FLIGHT_ROWS}`));
    expect(await published()).toMatchObject([{ set: 'delays', generations: [{ rows: FLIGHT_ROWS }] }]);
    // Nothing new: it is served already.
    expect(await launcher.publish(loaded, new AbortController().signal)).toMatchObject({ outcome: 'unchanged' });

    const url = `http://127.0.0.1:${port}`;
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('prescore_rows_total 51955');
    expect(metrics).toContain('prescore_tasks_total{kind="commit",outcome="done"} 2');
    expect(metrics).toContain('prescore_tasks_total{kind="publish",outcome="done"} 2');
    expect(metrics).toMatch(/prescore_queue_tasks\{queue="schedule",state="waiting"\} 0/);
    expect(metrics).toMatch(/prescore_queue_oldest_seconds\{queue="command"\} 0/);
    expect(metrics).toContain('prescore_slots 4');
    for (const path of ['live', 'ready']) expect((await fetch(`${url}/health/${path}`)).status).toBe(200);
    await launcher.close();
    expect(await started.stop()).toBe(0);
    expect(started.log()).not.toContain('"level":"error"');
  });

  async function openLauncher(): Promise<QueueLauncher> {
    const redis = await QueueRedis.open(redisUrl, { allowEviction: false });
    onTestFinished(() => redis.close());
    return new QueueLauncher({
      ...LAUNCHER_DEFAULTS,
      openStores: (blocks) => createStoreResolver(blocks, { env: {} }),
      queues: await TaskQueues.open(redis),
      allowUnpinned: false,
      versions: readVersions(),
      now: () => new Date(),
      by: 'test:1',
      warn: () => undefined,
      emit: () => undefined,
    });
  }
});
