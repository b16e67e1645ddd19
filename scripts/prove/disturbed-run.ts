import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type CliResult, type CliRun, startPrescore } from '../../test/harness/cli.ts';
import { childrenOf } from '../../test/harness/processes.ts';
import { FLIGHT_ROWS, SHORT_LOCKS, startWorker, type TestWorker } from '../../test/harness/queue-run.ts';
import type { RedisServer } from '../../test/harness/redis-server.ts';
import { bucketTable, folderTable, type QueueTable, type S3Ground, startS3Ground } from './queue-table.ts';

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

/** The slot that every run of the proof has, the latest of its cron: asked for by time, or by a scheduler that missed it. */
const CRON = '0 0 1 4 *';
export const SLOT = latestSlot(new Date());
const SCHEDULE = { schedule: { cron: CRON, catchUp: 'last' } } as const;
export const WORKERS = 2;
export const SLOTS = 2;
const LIMIT_MS = 120_000;

/** What the runs of a proof share. */
export interface Ground {
  readonly input: string;
  readonly expected: Readonly<Record<string, string>>;
  readonly plain: RedisServer;
  readonly persistent: RedisServer;
  /** Started for the first run that needs it. */
  s3: S3Ground | null;
}

/** One run under faults, with everything that it started. */
export class DisturbedRun {
  readonly random: () => number;
  readonly what: readonly Fault[];
  readonly redis: RedisServer;
  readonly workers: TestWorker[] = [];
  readonly logs: (() => string)[] = [];
  private readonly folder: string;
  private readonly ground: Ground;
  /** The run is asked for by a scheduler. */
  private readonly isScheduled: boolean;
  private table: QueueTable | null = null;
  private enqueuer: CliRun | null = null;

  constructor(random: () => number, kinds: readonly Fault[], folder: string, ground: Ground) {
    this.random = random;
    const count = 1 + Math.floor(this.random() * 3);
    this.what = Array.from({ length: count }, () => kinds[Math.floor(this.random() * kinds.length)]!);
    this.isScheduled = this.what.includes('scheduler');
    this.redis = this.what.includes('redis-aof') ? ground.persistent : ground.plain;
    this.folder = folder;
    this.ground = ground;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async start(): Promise<void> {
    this.table = await this.makeTable();
    if (this.isScheduled) await missSlot(this.table);
    await Promise.all(Array.from({ length: WORKERS }, () => this.hire()));
    this.ask();
  }

  /** Chunks with a record. */
  recorded(): Promise<number> {
    return this.table!.recorded();
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
    const parts = await this.table!.digests();
    const { expected } = this.ground;
    for (const [name, digest] of Object.entries(expected))
      if (parts[name] !== digest) faults.push(`${name} is ${parts[name] === undefined ? 'missing' : 'other bytes'}`);
    for (const name of Object.keys(parts)) if (expected[name] === undefined) faults.push(`${name} is too much`);
    const left = await this.table!.waiting();
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
    const { allow, reach } = this.table!;
    const worker = await startWorker(this.redis.url, allow, [...SHORT_LOCKS, ...reach, '--slots', String(SLOTS)]);
    this.workers.push(worker);
    this.logs.push(worker.log);
  }

  private ask(): void {
    const redis = ['--redis', this.redis.url];
    const { job } = this.table!;
    const args = this.isScheduled
      ? ['schedule', job, '--once', ...redis]
      : ['run', job, '--as-of', SLOT, '--json', ...redis];
    this.enqueuer = startPrescore(args, { timeoutMs: LIMIT_MS });
  }

  private async makeTable(): Promise<QueueTable> {
    const { folder, ground } = this;
    if (!this.what.includes('s3')) return folderTable(folder, ground.input, SCHEDULE);
    ground.s3 ??= await startS3Ground();
    return bucketTable(ground.s3, folder, ground.input, SCHEDULE);
  }
}

/** As if a scheduler had last looked just before the slot. */
async function missSlot(table: QueueTable): Promise<void> {
  const through = new Date(Date.parse(SLOT) - 1000).toISOString().replace('.000', '');
  const mark = { format: 1, n: 1, through, open: [], cron: CRON, timezone: 'UTC', by: 'proof' };
  await table.put('out/_prescore/schedule/test-job/marks/1.json', JSON.stringify(mark));
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
