import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import type { ChunkRecord } from '../src/base/contract/records.ts';
import { Duck, quoteText } from '../src/data/duckdb/duckdb.ts';
import { modelFolder, pinnedModel } from '../test/harness/model-files.ts';
import { startRedis } from '../test/harness/redis-server.ts';
import { bareChunks } from './bare-requests.ts';
import { buildPrograms } from './build.ts';
import { jobFile } from './cases.ts';
import { caseOver, makeInputs } from './data.ts';
import { machineFacts } from './machine.ts';
import { measure } from './measure.ts';
import type { Options } from './options.ts';
import { madeOnce, note, WORK } from './paths.ts';
import { printTable, writeResults } from './report.ts';
import { type S3Bench, startS3Bench } from './s3.ts';
import { spread } from './statistics.ts';
import { WorkerProcess } from './worker-process.ts';

const FULL_CHUNKS = 10_000;
/** On S3 a tenth of the chunks is enough for a rate. */
const S3_SHARE = 10;
const WORKERS = [1, 2, 4] as const;

/** One run, embedded or by workers. */
interface Ran {
  readonly name: string;
  readonly wall: number;
  /** From the first record to the last: without the start, planning and the commit. */
  readonly scoring: number;
  readonly chunks: number;
  readonly rows: number;
  /** CPU seconds of all processes of prescore, scorer children included. */
  readonly cpu: number;
  /** Of supervisors of workers alone; null for the embedded run. */
  readonly supervisors: number | null;
}

interface Ground {
  readonly prescore: string;
  readonly folder: string;
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly allow: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Workers against the embedded run: many tiny chunks on files and S3, and flights over S3 by 1, 2 and 4 workers. */
export async function queueCase(options: Options): Promise<void> {
  const machine = machineFacts();
  const { prescore } = await buildPrograms(true);
  const folder = join(WORK, 'out', `${process.pid}-queue`);
  mkdirSync(folder, { recursive: true });
  const server = await startRedis({ persistent: false });
  const redis = new Redis(server.url);
  const ground: Ground = { prescore, folder, redisUrl: server.url, redis, allow: [folder], env: {} };
  try {
    const chunks = Math.min(options.chunks, FULL_CHUNKS);
    const tiny = await tinyInputs(chunks);
    const files: Ran[] = [];
    for (let round = 0; round < options.runs; round++)
      files.push(...(await tinyOn(ground, `${tiny}/*.parquet`, {}, `tiny-${round}`, 'file')));
    const onS3 = await overS3(options, ground, tiny, Math.ceil(chunks / S3_SHARE));
    report(machine, files, onS3, options);
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface S3Part {
  readonly bare: readonly number[];
  readonly tiny: readonly Ran[];
  readonly flights: readonly Ran[];
}

async function overS3(options: Options, ground: Ground, tiny: string, chunks: number): Promise<S3Part> {
  const file = await caseOver('heavy', await makeInputs('heavy', options.rows, 1), options.rows);
  const names = (await readdir(tiny)).sort().slice(0, chunks);
  const s3 = await startS3Bench([...file.inputs, ...names.map((name) => join(tiny, name))]);
  const endpoint = (s3.stores as { main: { endpoint: string; region: string } }).main;
  const flags = ['--allow', 's3://bench', '--endpoint', endpoint.endpoint, '--region', endpoint.region];
  const there: Ground = { ...ground, allow: flags, env: s3.env };
  const part = { bare: [] as number[], tiny: [] as Ran[], flights: [] as Ran[] };
  const credentials = { accessKeyId: s3.env['AWS_ACCESS_KEY_ID']!, secretAccessKey: s3.env['AWS_SECRET_ACCESS_KEY']! };
  try {
    for (let round = 0; round < options.runs; round++) {
      part.bare.push(await bareChunks({ ...endpoint, bucket: 'bench' }, credentials, chunks, 4));
      const uris = `s3://bench/in/tiny-*.parquet`;
      part.tiny.push(...(await tinyOn(there, uris, { stores: s3.stores }, `tiny-s3-${round}`, 's3', s3)));
      const inputs = s3.inputUris.slice(0, file.inputs.length);
      for (const workers of [0, ...WORKERS]) {
        const name = `flights-${workers}-${round}`;
        const extra = { stores: s3.stores, execution: { chunkRows: 65_536 } };
        const job = jobFile(file, inputs, s3.outputUri(join(ground.folder, name)), extra);
        part.flights.push(await runOnce(there, job, name, workers, []));
      }
    }
  } finally {
    await s3.stop();
  }
  return part;
}

async function tinyOn(
  ground: Ground,
  uri: string,
  extra: object,
  name: string,
  where: 'file' | 's3',
  s3?: S3Bench,
): Promise<Ran[]> {
  const results: Ran[] = [];
  for (const workers of [0, 1]) {
    const label = `${name}-${workers}`;
    const output = s3 === undefined ? join(ground.folder, label) : s3.outputUri(join(ground.folder, label));
    const job = {
      prescore: 1,
      name: 'bench-tiny',
      model: pinnedModel(join(await modelFolder(), 'sum.onnx')),
      input: { uri },
      features: { x: ['c0', 'c1', 'c2'] },
      outputs: { y: 'y' },
      id: ['id'],
      output: { uri: output },
      execution: { chunkRows: 10 },
      ...extra,
    };
    results.push({ ...(await runOnce(ground, job, label, workers, ['--slots', '4'])), name: `${where} ${workers}` });
  }
  return results;
}

/** 0 workers: the embedded run. */
async function runOnce(
  ground: Ground,
  job: object,
  name: string,
  count: number,
  flags: readonly string[],
): Promise<Ran> {
  const { prescore, folder, redisUrl, redis, env } = ground;
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(job));
  await redis.flushall('SYNC');
  const allow = ground.allow.length === 1 ? ['--allow', ground.allow[0]!] : ground.allow;
  const started = Array.from(
    { length: count },
    () => new WorkerProcess(prescore, ['--redis', redisUrl, ...allow, ...flags], env),
  );
  const workers = await Promise.all(started.map((worker) => worker.ready()));
  // Workers live long: what they need to start is no part of a run, other than what the command needs that asks for it.
  const before = workers.map((worker) => worker.cpu());
  const args = [process.execPath, prescore, 'run', path, '--json', ...(count > 0 ? ['--redis', redisUrl] : [])];
  const run = await measure({ args, env }, join(folder, 'log'), false);
  const used = workers.map((worker, i) => {
    const { all, supervisor } = worker.cpu();
    return { all: all - before[i]!.all, supervisor: supervisor - before[i]!.supervisor };
  });
  await Promise.all(workers.map((worker) => worker.stop()));
  const done = JSON.parse(run.log.trim().split('\n').at(-1)!) as { runId: string; rows: number };
  const times = (await recordsOf(ground, path, done.runId)).map((record) => Date.parse(record.finishedAt));
  const scoring = (Math.max(...times) - Math.min(...times)) / 1000;
  const sum = (pick: (cpu: (typeof used)[number]) => number): number => used.reduce((all, cpu) => all + pick(cpu), 0);
  const ran: Ran = {
    name: count === 0 ? 'embedded' : `${count} worker${count > 1 ? 's' : ''}`,
    wall: run.wall,
    scoring,
    chunks: times.length,
    rows: done.rows,
    cpu: run.user + run.system + sum((cpu) => cpu.all),
    supervisors: count === 0 ? null : sum((cpu) => cpu.supervisor),
  };
  note(`${name}: ${ran.wall.toFixed(2)} s, ${(ran.chunks / ran.scoring).toFixed(0)} chunks/s`);
  return ran;
}

async function recordsOf(ground: Ground, job: string, runId: string): Promise<readonly ChunkRecord[]> {
  const args = [ground.prescore, 'runs', 'show', job, runId, '--json'];
  const env = { ...process.env, ...ground.env };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  return (JSON.parse(stdout) as { records: readonly ChunkRecord[] }).records;
}

/** Tables of ten rows, each a chunk. */
function tinyInputs(count: number): Promise<string> {
  return madeOnce('tiny', [`${count} tables of ten rows`], async (folder) => {
    note(`writing ${count} tiny tables`);
    const scratchDir = join(WORK, `duck-${process.pid}`);
    mkdirSync(scratchDir, { recursive: true });
    mkdirSync(folder, { recursive: true });
    const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
    const first = join(folder, 'tiny-00000.parquet');
    const columns = 'i::bigint as id, i::float as c0, i::float as c1, i::float as c2';
    await duck.run(`copy (select ${columns} from range(10) t(i)) to ${quoteText(first)} (format parquet)`);
    duck.close();
    await rm(scratchDir, { recursive: true, force: true });
    for (let i = 1; i < count; i++) copyFileSync(first, join(folder, `tiny-${String(i).padStart(5, '0')}.parquet`));
  });
}

function report(machine: Record<string, string>, files: readonly Ran[], s3: S3Part, options: Options): void {
  const median = (all: readonly Ran[], name: string, pick: (ran: Ran) => number): number =>
    spread(all.filter((ran) => ran.name === name).map(pick)).median;
  const rate = (ran: Ran): number => ran.chunks / ran.scoring;
  const bare = spread([...s3.bare]).median;
  printTable(Object.entries(machine));
  process.stdout.write('\ntiny chunks, one worker with four slots against the embedded run\n\n');
  const tiny = [...files, ...s3.tiny];
  printTable([
    ['', 'chunks', 'embedded chunks/s', 'worker chunks/s', 'supervisor CPU ms a chunk', 'bare requests chunks/s'],
    ...(['file', 's3'] as const).map((where) => [
      where,
      String(tiny.find((ran) => ran.name === `${where} 0`)?.chunks),
      median(tiny, `${where} 0`, rate).toFixed(0),
      median(tiny, `${where} 1`, rate).toFixed(0),
      median(tiny, `${where} 1`, (ran) => (1000 * (ran.supervisors ?? 0)) / ran.chunks).toFixed(2),
      where === 's3' ? bare.toFixed(0) : '',
    ]),
  ]);
  process.stdout.write(`\nflights over S3: ${options.rows} rows, ${options.runs} rounds\n\n`);
  const names = ['embedded', ...WORKERS.map((n) => `${n} worker${n > 1 ? 's' : ''}`)];
  printTable([
    ['', 'wall s', 'rows/s while scoring', 'rows per CPU second', 'of embedded'],
    ...names.map((name) => {
      const perCpu = (of: string): number => median(s3.flights, of, (ran) => ran.rows / ran.cpu);
      return [
        name,
        median(s3.flights, name, (ran) => ran.wall).toFixed(2),
        median(s3.flights, name, (ran) => ran.rows / ran.scoring).toFixed(0),
        perCpu(name).toFixed(0),
        (perCpu(name) / perCpu('embedded')).toFixed(2),
      ];
    }),
  ]);
  const { runs, rows, chunks } = options;
  const results = { case: 'queue', date: new Date().toISOString(), machine, runs, rows, chunks, files, s3 };
  process.stdout.write(`\n${writeResults('queue', options.chunks >= FULL_CHUNKS, results)}\n`);
}
