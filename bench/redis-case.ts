import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis } from '../test/harness/redis-server.ts';
import { buildPrograms, type Programs } from './build.ts';
import { type CaseFile, jobFile } from './cases.ts';
import { caseOver, makeInputs } from './data.ts';
import { machineFacts } from './machine.ts';
import { type Command, type Measured, measure } from './measure.ts';
import type { Options } from './options.ts';
import { note, PYTHON, ROOT, WORK } from './paths.ts';
import { pythonEnv } from './python-env.ts';
import { type ReadTimes, readTimes } from './redis-reads.ts';
import { printTable, writeResults } from './report.ts';
import { spread } from './statistics.ts';

const ROWS = 1_000_000;
const LOADERS = ['prescore', 'ioredis', 'redis-py'] as const;
type Loader = (typeof LOADERS)[number];

/** What one load cost. Bytes and seconds are the server's own account. */
interface Load extends Measured {
  readonly usedMemory: number;
  readonly redisCpu: number;
}

interface Place {
  readonly programs: Programs;
  readonly folder: string;
  readonly port: number;
  readonly redis: Redis;
  readonly job: string;
  readonly output: string;
}

/** One million predictions (a text key, two values) from Parquet into an empty Redis, and how fast they are read. */
export async function redisCase(options: Options): Promise<void> {
  const machine = machineFacts();
  const programs = await buildPrograms(true);
  const rows = Math.min(options.rows, ROWS);
  const file = await caseOver('heavy', await makeInputs('heavy', rows, 1), rows);
  const server = await startRedis({ persistent: false });
  const port = Number(new URL(server.url).port);
  const redis = new Redis({ port });
  const folder = join(WORK, 'out', `${process.pid}-redis`);
  try {
    const place = await scoreOnce({ programs, folder, port, redis }, file);
    const loads = new Map<Loader, Load[]>(LOADERS.map((name) => [name, []]));
    for (let round = 0; round < options.runs; round++) {
      for (const [k] of LOADERS.entries()) {
        const name = LOADERS[(k + round) % LOADERS.length]!;
        const load = await loadOnce(name, place);
        note(`round ${round + 1}: ${name} ${load.wall.toFixed(2)} s, ${(load.usedMemory / 2 ** 20).toFixed(0)} MiB`);
        loads.get(name)!.push(load);
      }
    }
    await loadOnce('ioredis', place);
    await measure(publish(place), join(folder, 'log'), false);
    const reads = await readTimes(server.url, place.output, join(folder, 'lmdb'), programs.prescore, place.job);
    report(machine, loads, reads, rows, options.runs);
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function scoreOnce(place: Omit<Place, 'job' | 'output'>, file: CaseFile): Promise<Place> {
  const { programs, folder, port } = place;
  await mkdir(folder, { recursive: true });
  const job = join(folder, 'job.json');
  const output = join(folder, 'output');
  const predictions = { store: `redis://127.0.0.1:${port}/0`, set: 'bench', key: 'flight_id', ttl: '24h', keep: 0 };
  await writeFile(job, JSON.stringify(jobFile(file, file.inputs, output, {})));
  note('scoring the predictions that are loaded');
  await measure(
    { args: [process.execPath, programs.prescore, 'run', job, '--json'], env: {} },
    join(folder, 'log'),
    false,
  );
  await writeFile(job, JSON.stringify(jobFile(file, file.inputs, output, { predictions })));
  return { ...place, job, output };
}

function publish(place: Place): Command {
  return { args: [process.execPath, place.programs.prescore, 'publish', place.job, '--json'], env: {} };
}

async function commandOf(name: Loader, place: Place): Promise<Command> {
  if (name === 'prescore') return publish(place);
  if (name === 'ioredis')
    return {
      args: [process.execPath, join(ROOT, 'bench/load-ioredis.ts'), place.output, String(place.port), '1000'],
      env: {},
    };
  const args = ['python3', join(PYTHON, 'load_redis.py'), place.output, String(place.port), '5000'];
  return { args, env: await pythonEnv('base') };
}

async function loadOnce(name: Loader, place: Place): Promise<Load> {
  const { redis, folder } = place;
  await redis.flushall('SYNC');
  const before = await facts(redis);
  const command = await commandOf(name, place);
  const measured = await measure(command, join(folder, 'log'), false);
  const after = await facts(redis);
  return { ...measured, usedMemory: after.memory - before.memory, redisCpu: after.cpu - before.cpu };
}

async function facts(redis: Redis): Promise<{ readonly memory: number; readonly cpu: number }> {
  const info = await redis.info();
  const of = (field: string): number => Number(new RegExp(`^${field}:([0-9.]+)`, 'm').exec(info)?.[1]);
  return { memory: of('used_memory'), cpu: of('used_cpu_user') + of('used_cpu_sys') };
}

function report(
  machine: Record<string, string>,
  loads: ReadonlyMap<Loader, readonly Load[]>,
  reads: ReadTimes,
  rows: number,
  runs: number,
): void {
  const medians = [...loads].map(([name, all]) => {
    const median = (pick: (load: Load) => number): number => spread(all.map(pick)).median;
    return {
      name,
      wall: median((l) => l.wall),
      cpu: median((l) => l.user + l.system),
      redisCpu: median((l) => l.redisCpu),
      usedMemory: median((l) => l.usedMemory),
    };
  });
  const own = medians[0]!;
  printTable(Object.entries(machine));
  process.stdout.write(`\nredis-load: ${rows} predictions, ${runs} rounds\n\n`);
  printTable([
    [
      '',
      'wall s',
      'CPU s',
      "Redis' CPU s",
      'used_memory MiB',
      'bytes a key',
      'prescore is faster by',
      'memory of prescore',
    ],
    ...medians.map((m) => [
      m.name,
      m.wall.toFixed(2),
      m.cpu.toFixed(2),
      m.redisCpu.toFixed(2),
      (m.usedMemory / 2 ** 20).toFixed(1),
      (m.usedMemory / rows).toFixed(1),
      (m.wall / own.wall).toFixed(2),
      `1/${(m.usedMemory / own.usedMemory).toFixed(2)}`,
    ]),
  ]);
  process.stdout.write('\n');
  printTable([
    ['reads, one at a time', 'p50 us', 'p99 us'],
    ...Object.entries(reads).map(([name, t]) => [name, t.p50.toFixed(1), t.p99.toFixed(1)]),
  ]);
  const results = {
    case: 'redis-load',
    date: new Date().toISOString(),
    machine,
    rows,
    runs,
    medians,
    loads: [...loads],
    reads,
  };
  process.stdout.write(`\n${writeResults('redis-load', rows === ROWS, results)}\n`);
}
