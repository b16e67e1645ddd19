import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { type CliResult, type CliRun, startPrescore } from '../../test/harness/cli.ts';
import {
  FLIGHT_ROWS,
  flightsJob,
  partDigests,
  recordedChunks,
  SHORT_LOCKS,
  startWorker,
  type TestWorker,
  waitingIn,
  writeFlights,
} from '../../test/harness/queue-run.ts';
import { type RedisServer, startRedis } from '../../test/harness/redis-server.ts';
import { type S3Server, startS3 } from '../../test/harness/s3-server.ts';
import { adminClient, makeBucket, openUploads, useCredentials } from '../../test/harness/s3-test-store.ts';
import { childrenOf } from './kills.ts';
import { seeded } from './random.ts';

/** What is done to a run: who is killed or stopped, what is emptied or restarted. */
export const FAULTS = [
  'worker',
  'child',
  'enqueuer',
  'scheduler',
  'redis',
  'redis-aof',
  'flush',
  'stop',
  's3',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What one case did. `fault` is empty when everything was as promised. */
export interface QueueOutcome {
  readonly index: number;
  readonly what: readonly Fault[];
  /** Chunks that had a record when each fault came. */
  readonly at: readonly number[];
  /** Chunks that were scored more than once. */
  readonly twice: number;
  readonly seconds: number;
  readonly fault: string;
}

export interface QueueProof {
  readonly seed: number;
  readonly cases: readonly number[];
  readonly folder: string;
  /** Kinds of faults to choose from; all by default. */
  readonly kinds?: readonly Fault[];
  readonly onOutcome: (outcome: QueueOutcome) => void;
}

/** The slot that every run of the proof has, the latest of its cron: asked for by time, or by a scheduler that missed it. */
const CRON = '0 0 1 4 *';
const SLOT = latestSlot(new Date());
const SCHEDULE = { schedule: { cron: CRON, catchUp: 'last' } } as const;
const WORKERS = 2;
const SLOTS = 2;
const LIMIT_MS = 120_000;

interface Ground {
  readonly input: string;
  readonly expected: Readonly<Record<string, string>>;
  readonly plain: RedisServer;
  readonly persistent: RedisServer;
  s3: { readonly server: S3Server; readonly client: S3Client } | null;
}

/**
 * Runs a job on two workers over and over, does one to three faults to each run at seeded moments, and compares every part with
 * an undisturbed embedded run. A chunk is scored twice at most for each task that was in work when a fault came.
 */
export async function proveQueue(options: QueueProof): Promise<void> {
  rmSync(join(options.folder, 'ground'), { recursive: true, force: true });
  const folder = join(options.folder, 'ground');
  const input = await writeFlights(folder);
  const embedded = await startPrescore(['run', flightsJob(folder, input), '--as-of', SLOT]).result;
  if (embedded.code !== 0) throw new Error(`the undisturbed run failed: ${embedded.stderr}`);
  const [plain, persistent] = await Promise.all([startRedis({ persistent: false }), startRedis({ persistent: true })]);
  const ground: Ground = { input, expected: partDigests(join(folder, 'out')), plain, persistent, s3: null };
  try {
    for (const index of options.cases) options.onOutcome(await oneCase(index, options, ground));
  } finally {
    ground.s3?.client.destroy();
    await Promise.all([plain.stop(), persistent.stop(), ground.s3?.server.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One run under faults, with everything that it started. */
class DisturbedRun {
  readonly random: () => number;
  readonly what: readonly Fault[];
  readonly redis: RedisServer;
  readonly workers: TestWorker[] = [];
  readonly logs: (() => string)[] = [];
  private readonly folder: string;
  private readonly ground: Ground;
  /** The run is asked for by a scheduler. */
  private readonly isScheduled: boolean;
  private job = '';
  private bucket = '';
  private enqueuer: CliRun | null = null;

  constructor(index: number, options: QueueProof, ground: Ground) {
    this.random = seeded(options.seed * 100_000 + index);
    const kinds = options.kinds ?? FAULTS;
    const count = 1 + Math.floor(this.random() * 3);
    this.what = Array.from({ length: count }, () => kinds[Math.floor(this.random() * kinds.length)]!);
    this.isScheduled = this.what.includes('scheduler');
    this.redis = this.what.includes('redis-aof') ? ground.persistent : ground.plain;
    this.folder = join(options.folder, `case-${index}`);
    this.ground = ground;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async start(): Promise<void> {
    const isOnS3 = this.what.includes('s3');
    this.job = isOnS3 ? await this.s3Job() : flightsJob(this.folder, this.ground.input, SCHEDULE);
    if (this.isScheduled) await this.missSlot();
    await Promise.all(Array.from({ length: WORKERS }, () => this.hire()));
    this.ask();
  }

  /** Chunks with a record. */
  async recorded(): Promise<number> {
    if (this.bucket === '') return recordedChunks(join(this.folder, 'out'));
    const { client } = this.ground.s3!;
    const { Contents } = await client.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: 'out/_prescore/runs/' }),
    );
    return (Contents ?? []).filter(({ Key = '' }) => /chunks\/\d+\.\d+\.json$/.test(Key)).length;
  }

  async disturb(fault: Fault): Promise<void> {
    const victim = Math.floor(this.random() * this.workers.length);
    const worker = this.workers[victim]!;
    switch (fault) {
      case 'worker':
        worker.child.kill('SIGKILL');
        this.workers.splice(victim, 1);
        await this.hire();
        return;
      case 'child':
        for (const pid of childrenOf(worker.child.pid!).slice(0, 1)) process.kill(pid, 'SIGKILL');
        return;
      case 'enqueuer':
      case 'scheduler':
        this.enqueuer?.child.kill('SIGKILL');
        this.ask();
        return;
      case 'redis':
      case 'redis-aof':
        await this.redis.kill();
        await sleep(this.random() * 2_000);
        await this.redis.restart();
        return;
      case 'flush':
        return flush(this.redis.url);
      case 'stop':
        worker.child.kill('SIGSTOP');
        // Past its lock, so that others take its tasks over.
        await sleep(2_500 + this.random() * 1_500);
        worker.child.kill('SIGCONT');
        return;
      case 's3':
        await this.ground.s3!.server.kill();
        await sleep(this.random() * 1_500);
        await this.ground.s3!.server.restart();
    }
  }

  /** Waits for the run; whoever asked may have been killed, so it is asked again until it is done. */
  async end(): Promise<CliResult> {
    for (let tries = 0; ; tries++) {
      const result = await this.enqueuer!.result;
      // Out of reach is resumable: the store or Redis was away for longer than the client waits.
      if ((result.code !== 6 && result.signal === null) || tries === 3) return result;
      this.ask();
    }
  }

  async stop(): Promise<void> {
    this.enqueuer?.child.kill('SIGKILL');
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await flush(this.redis.url);
  }

  /** What is not as promised. */
  async faults(result: CliResult): Promise<string[]> {
    const faults: string[] = [];
    if (result.code !== 0) faults.push(`exit code ${result.code}: ${result.stderr.slice(-300)}`);
    const done = result.events.findLast((event) => event['event'] === 'done');
    if (result.code === 0 && !this.isScheduled && done?.['rows'] !== FLIGHT_ROWS)
      faults.push(`${String(done?.['rows'])} rows`);
    const parts = this.bucket === '' ? partDigests(join(this.folder, 'out')) : await this.s3Digests();
    const { expected } = this.ground;
    for (const [name, digest] of Object.entries(expected))
      if (parts[name] !== digest) faults.push(`${name} is ${parts[name] === undefined ? 'missing' : 'other bytes'}`);
    for (const name of Object.keys(parts)) if (expected[name] === undefined) faults.push(`${name} is too much`);
    const left =
      this.bucket === '' ? waitingIn(join(this.folder, 'out')) : await openUploads(this.ground.s3!.server, this.bucket);
    if (left.length > 0) faults.push(`${left.slice(0, 3).join(', ')} left behind`);
    return faults;
  }

  /** Chunks scored beyond the first time, as the logs of all workers tell. */
  scoredTwice(): number {
    const scored = this.logs.flatMap((log) => log().match(/"kind":"chunk".*"rows":[1-9]\d*,"what":"done"/g) ?? []);
    return Math.max(0, scored.length - Object.keys(this.ground.expected).length);
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async hire(): Promise<void> {
    const { s3 } = this.ground;
    const allow = this.bucket === '' ? this.folder : `s3://${this.bucket}`;
    const endpoint = this.bucket === '' ? [] : ['--endpoint', s3!.server.endpoint, '--region', s3!.server.region];
    const worker = await startWorker(this.redis.url, allow, [...SHORT_LOCKS, ...endpoint, '--slots', String(SLOTS)]);
    this.workers.push(worker);
    this.logs.push(worker.log);
  }

  private ask(): void {
    const redis = ['--redis', this.redis.url];
    const args = this.isScheduled
      ? ['schedule', this.job, '--once', ...redis]
      : ['run', this.job, '--as-of', SLOT, '--json', ...redis];
    this.enqueuer = startPrescore(args, { timeoutMs: LIMIT_MS });
  }

  /** As if a scheduler had last looked just before the slot. */
  private async missSlot(): Promise<void> {
    const through = new Date(Date.parse(SLOT) - 1000).toISOString().replace('.000', '');
    const mark = { format: 1, n: 1, through, open: [], cron: CRON, timezone: 'UTC', by: 'proof' };
    const path = 'out/_prescore/schedule/test-job/marks/1.json';
    const body = JSON.stringify(mark);
    if (this.bucket !== '') {
      await this.ground.s3!.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: path, Body: body }));
      return;
    }
    mkdirSync(join(this.folder, dirname(path)), { recursive: true });
    writeFileSync(join(this.folder, path), body);
  }

  private async s3Job(): Promise<string> {
    if (this.ground.s3 === null) {
      const server = await startS3();
      useCredentials(server);
      this.ground.s3 = { server, client: adminClient(server) };
    }
    const { server, client } = this.ground.s3;
    this.bucket = await makeBucket(server, 'prove');
    await client.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: 'in.parquet', Body: readFileSync(this.ground.input) }),
    );
    return flightsJob(this.folder, `s3://${this.bucket}/in.parquet`, {
      stores: { main: { endpoint: server.endpoint, region: server.region, pathStyle: true } },
      output: { uri: `s3://${this.bucket}/out`, lineage: true },
      ...SCHEDULE,
    });
  }

  private async s3Digests(): Promise<Record<string, string>> {
    const { client } = this.ground.s3!;
    const listed = await client.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: 'out/part-' }));
    const digests: Record<string, string> = {};
    for (const { Key = '' } of listed.Contents ?? []) {
      const object = await client.send(new GetObjectCommand({ Bucket: this.bucket, Key }));
      const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
      digests[Key.replace('out/', '')] = createHash('sha256').update(bytes).digest('hex');
    }
    return digests;
  }
}

async function oneCase(index: number, options: QueueProof, ground: Ground): Promise<QueueOutcome> {
  const started = performance.now();
  const run = new DisturbedRun(index, options, ground);
  const chunks = Object.keys(ground.expected).length;
  const at: number[] = [];
  const faults: string[] = [];
  try {
    await run.start();
    for (const [i, fault] of run.what.entries()) {
      const moment = Math.floor(((i + run.random()) / run.what.length) * chunks);
      const limit = Date.now() + 30_000;
      while ((await run.recorded().catch(() => 0)) < moment && Date.now() < limit) await sleep(15);
      at.push(await run.recorded().catch(() => -1));
      await run.disturb(fault);
    }
    const result = await run.end();
    // Late writers get their chance before anything is compared: a worker that was stopped may still score a chunk.
    await run.stop();
    faults.push(...(await run.faults(result)));
  } catch (error) {
    faults.push(`the case broke: ${String(error)}`);
    await run.stop();
  }
  const twice = run.scoredTwice();
  const inWork = WORKERS * SLOTS * run.what.length;
  if (twice > inWork) faults.push(`${twice} chunks were scored twice, more than ${inWork}`);
  if (faults.length === 0) run.clean();
  const seconds = (performance.now() - started) / 1000;
  return { index, what: run.what, at, twice, seconds, fault: faults.join('; ') };
}

function latestSlot(now: Date): string {
  const year = now.getUTCFullYear() - (now.getUTCMonth() < 3 ? 1 : 0);
  return `${year}-04-01T00:00:00Z`;
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: 3 });
  client.on('error', () => undefined);
  await client.flushall();
  client.disconnect();
}
