import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { readOutput, readParquet } from '../test/harness/read-parquet.ts';
import { startRedis } from '../test/harness/redis-server.ts';
import { buildPrograms } from './build.ts';
import { jobFile } from './cases.ts';
import { caseOver, makeInputs } from './data.ts';
import type { LoadPlan, LoadResult, PacedResult } from './http-plan.ts';
import { type HttpServer, type ServerPlace, startPeer, startPrescore } from './http-servers.ts';
import { machineFacts } from './machine.ts';
import { measure } from './measure.ts';
import type { HttpCase, Options } from './options.ts';
import { note, PYTHON, ROOT, WORK } from './paths.ts';
import { pinnedVersions, pythonEnv } from './python-env.ts';
import { printTable, writeResults } from './report.ts';
import { spread } from './statistics.ts';

const CONNECTIONS = 16;
/** Connections of the open loop: fewer than `limits.connections`. */
const OPEN_CONNECTIONS = 480;
const MANY = 256;
/** Rows or keys of a request of the open loop: at one each, two cores could not send five times what they can answer. */
const OPEN_ROWS: Readonly<Record<HttpCase, number>> = { lookup: 256, live: 64 };
const FACTORS = [0.5, 1, 2, 5];
const PEERS = [
  ['plain', 1],
  ['tuned', 1],
  ['tuned', 2],
] as const;
const WARM_SECONDS = 2;
const BODIES = 2_000;
const MEMORY_EVERY_MS = 500;
const FULL = { rows: 300_000, runs: 5, seconds: 10 };

/** One measurement of one server. */
interface Taken extends LoadResult {
  readonly serverCpu: number;
  readonly redisCpu: number;
}

interface Bodies {
  readonly one: readonly string[];
  readonly many: readonly string[];
  readonly paced: readonly string[];
}

/** Requests over HTTP against `prescore serve` and the FastAPI peer in turn; then many keys in one request; then an open loop. */
export async function httpCase(options: Options, name: HttpCase): Promise<void> {
  const machine = { ...machineFacts(), fastapi: pinnedVersions('serve')['fastapi']! };
  const server = await startRedis({ persistent: false });
  const redis = new Redis(server.url);
  const folder = join(WORK, 'out', `${process.pid}-http`);
  const running: HttpServer[] = [];
  try {
    const { place, bodies } = await prepare(options, name, folder, server.url);
    running.push(await startPrescore(place));
    for (const [kind, workers] of PEERS) running.push(await startPeer(place, kind, workers));
    const own = running[0]!;
    const path = `/v1/predictions/${name === 'lookup' ? 'flight-delay' : 'live'}`;
    await expectSame(running, path, bodies.one[0]!);
    const take = async (one: HttpServer, which: keyof Bodies, connections = CONNECTIONS): Promise<Taken> => {
      const plan = { url: one.url, path, bodies: bodies[which], connections, seconds: options.seconds };
      await generate<LoadResult>('http-load.ts', { ...plan, seconds: Math.min(WARM_SECONDS, plan.seconds) }, folder);
      const before = { server: one.cpu(), redis: await redisCpu(redis) };
      const result = await generate<LoadResult>('http-load.ts', plan, folder);
      if (result.requests === 0) throw new Error(`${one.name}: no answer with 200`);
      return { ...result, serverCpu: one.cpu() - before.server, redisCpu: (await redisCpu(redis)) - before.redis };
    };
    const singles = await rounds(running, options.runs, 'one', (one) => take(one, 'one'));
    const many = await rounds([own], options.runs, `${MANY} together`, (one) => take(one, 'many', 1));
    const alone = await rounds([own], options.runs, 'one connection', (one) => take(one, 'one', 1));
    const open = await openLoop(own, { url: own.url, path, bodies: bodies.paced, seconds: options.seconds }, folder);
    report(name, machine, options, { singles, many: many.get(own.name)!, alone: alone.get(own.name)!, open });
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    redis.disconnect();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Scores the flights, publishes them for prescore and loads them for the peer, each in its own format. */
async function prepare(
  options: Options,
  name: HttpCase,
  folder: string,
  redisUrl: string,
): Promise<{ place: ServerPlace; bodies: Bodies }> {
  const { prescore } = await buildPrograms(true);
  const file = await caseOver('heavy', await makeInputs('heavy', options.rows, 1), options.rows);
  await mkdir(folder, { recursive: true });
  const [job, output] = [join(folder, 'job.json'), join(folder, 'output')];
  const predictions = { store: redisUrl, set: 'flight-delay', key: 'flight_id' };
  await writeFile(job, JSON.stringify(jobFile(file, file.inputs, output, { predictions })));
  note(`scoring and publishing ${options.rows} predictions`);
  await measure({ args: [process.execPath, prescore, 'run', job, '--json'], env: {} }, join(folder, 'log'), false);
  const redisPort = Number(new URL(redisUrl).port);
  const load = ['python3', join(PYTHON, 'load_redis.py'), output, String(redisPort), '5000'];
  await measure({ args: load, env: await pythonEnv('base') }, join(folder, 'log'), false);
  const columns = file.features[0]!.columns;
  const place = { folder, redisUrl, redisPort, prescore, job, model: file.model, columns };
  return { place, bodies: name === 'lookup' ? await lookupBodies(output) : await liveBodies(file.inputs[0]!, columns) };
}

async function lookupBodies(output: string): Promise<Bodies> {
  const keys = (await readOutput(output)).map((row) => String(row['flight_id']));
  // A fixed order that jumps about, so that neighbours of a page are not asked one after the other.
  const at = (i: number): string => keys[(i * 7919) % keys.length]!;
  const groups = (size: number): string[] =>
    Array.from({ length: 200 }, (_, k) =>
      JSON.stringify({ keys: Array.from({ length: size }, (_, i) => at(k * size + i)) }),
    );
  const one = Array.from({ length: BODIES }, (_, i) => JSON.stringify({ key: at(i) }));
  return { one, many: groups(MANY), paced: groups(OPEN_ROWS.lookup) };
}

async function liveBodies(input: string, columns: readonly string[]): Promise<Bodies> {
  const rows = (await readParquet(input)).slice(0, 20_000).map((row, i) => ({
    key: `live-${i}`,
    features: Object.fromEntries(columns.map((c) => [c, row[c] ?? null])),
  }));
  const groups = (size: number): string[] =>
    Array.from({ length: 60 }, (_, k) =>
      JSON.stringify({ rows: Array.from({ length: size }, (_, i) => rows[(k * size + i) % rows.length]!) }),
    );
  const one = rows.slice(0, BODIES).map((row) => JSON.stringify(row));
  return { one, many: groups(MANY), paced: groups(OPEN_ROWS.live) };
}

/** Every contender gives the same values, or nothing is measured. */
async function expectSame(servers: readonly HttpServer[], path: string, body: string): Promise<void> {
  const answers = await Promise.all(
    servers.map(async ({ url }) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
      const { values, source } = (await response.json()) as { values?: Record<string, number>; source?: string };
      return JSON.stringify([response.status, source, values?.['prediction'], values?.['probability']]);
    }),
  );
  if (new Set(answers).size !== 1 || !answers[0]!.startsWith('[200,')) throw new Error(`answers differ: ${answers}`);
}

/** Measures the servers in turn, each round beginning with another one. */
async function rounds(
  servers: readonly HttpServer[],
  runs: number,
  what: string,
  take: (server: HttpServer) => Promise<Taken>,
): Promise<Map<string, Taken[]>> {
  const taken = new Map<string, Taken[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < runs; round++) {
    for (const k of servers.keys()) {
      const server = servers[(k + round) % servers.length]!;
      const one = await take(server);
      note(
        `round ${round + 1}, ${what}: ${server.name} ${one.perSecond.toFixed(0)}/s, p50 ${one.p50.toFixed(2)} ms, p99 ${one.p99.toFixed(2)} ms`,
      );
      taken.get(server.name)!.push(one);
    }
  }
  return taken;
}

interface OpenLevel extends PacedResult {
  readonly factor: number;
  readonly serverCpu: number;
  /** MiB of all processes of the server, twice a second. */
  readonly memoryMiB: readonly number[];
}

interface OpenLoop {
  readonly capacity: number;
  readonly levels: readonly OpenLevel[];
}

/** The capacity is what the closed loop reaches with the same requests; then shares and multiples of it are offered. */
async function openLoop(
  server: HttpServer,
  plan: Omit<LoadPlan, 'connections' | 'rate'>,
  folder: string,
): Promise<OpenLoop> {
  const closed = await generate<LoadResult>('http-load.ts', { ...plan, connections: CONNECTIONS }, folder);
  const capacity = closed.perSecond;
  note(`open loop: capacity ${capacity.toFixed(0)}/s`);
  const levels: OpenLevel[] = [];
  for (const factor of FACTORS) {
    const memoryMiB: number[] = [];
    const timer = setInterval(() => memoryMiB.push(Math.round(server.memory() / 2 ** 20)), MEMORY_EVERY_MS);
    const cpu = server.cpu();
    const offered = { ...plan, connections: OPEN_CONNECTIONS, rate: Math.max(1, capacity * factor) };
    const paced = await generate<PacedResult>('paced-load.ts', offered, folder).finally(() => clearInterval(timer));
    levels.push({ ...paced, factor, serverCpu: server.cpu() - cpu, memoryMiB });
    note(`${factor}x: goodput ${paced.goodput.toFixed(0)}/s, p99 ${tenths(paced.p99)} ms, ${paced.refused} refused`);
  }
  return { capacity, levels };
}

async function generate<T>(program: string, plan: LoadPlan, folder: string): Promise<T> {
  const path = join(folder, 'plan.json');
  await writeFile(path, JSON.stringify(plan));
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'bench', program), path], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as T;
}

async function redisCpu(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const of = (field: string): number => Number(new RegExp(`^${field}:([0-9.]+)`, 'm').exec(info)?.[1]);
  return of('used_cpu_user') + of('used_cpu_sys');
}

interface Found {
  readonly singles: ReadonlyMap<string, readonly Taken[]>;
  readonly many: readonly Taken[];
  readonly alone: readonly Taken[];
  readonly open: OpenLoop;
}

function medianOf(all: readonly Taken[]): Taken {
  const of = (pick: (one: Taken) => number): number => spread(all.map(pick)).median;
  return {
    requests: of((t) => t.requests),
    bad: Math.max(...all.map((t) => t.bad)),
    seconds: of((t) => t.seconds),
    perSecond: of((t) => t.perSecond),
    p50: of((t) => t.p50),
    p99: of((t) => t.p99),
    generatorCpu: of((t) => t.generatorCpu),
    serverCpu: of((t) => t.serverCpu),
    redisCpu: of((t) => t.redisCpu),
  };
}

function report(name: HttpCase, machine: Record<string, string>, options: Options, found: Found): void {
  const medians = [...found.singles].map(([server, all]) => ({ server, ...medianOf(all) }));
  const own = medians[0]!;
  const [many, alone] = [medianOf(found.many), medianOf(found.alone)];
  const against = medians.slice(1).map((peer) => {
    const theirs = found.singles.get(peer.server)!;
    const pairs = found.singles.get(own.server)!.map((t, i) => t.perSecond / theirs[i]!.perSecond);
    const perSecond = { ...spread(pairs), median: own.perSecond / peer.perSecond };
    return { server: peer.server, perSecond, p50: own.p50 / peer.p50, p99: own.p99 / peer.p99 };
  });
  const ratios = {
    against,
    manyPerKey: (many.perSecond * MANY) / alone.perSecond,
    manyPerKeyAtCapacity: (many.perSecond * MANY) / own.perSecond,
  };
  printTable(Object.entries(machine));
  process.stdout.write(`\n${name}: ${CONNECTIONS} connections, ${options.runs} rounds of ${options.seconds} s\n\n`);
  const cells = (label: string, t: Taken): string[] => [
    label,
    t.perSecond.toFixed(0),
    t.p50.toFixed(2),
    t.p99.toFixed(2),
    t.serverCpu.toFixed(2),
    t.redisCpu.toFixed(2),
    t.generatorCpu.toFixed(2),
    String(t.bad),
  ];
  const unit = name === 'lookup' ? 'keys' : 'rows';
  printTable([
    ['', 'requests/s', 'p50 ms', 'p99 ms', 'server CPU s', "Redis' CPU s", 'generator CPU s', 'bad'],
    ...medians.map((m) => cells(m.server, m)),
    cells(`one connection, one of the ${unit}`, alone),
    cells(`one connection, ${MANY} ${unit}`, many),
  ]);
  process.stdout.write('\n');
  for (const { server, perSecond, p50, p99 } of against) {
    process.stdout.write(
      `prescore answers ${perSecond.median.toFixed(2)} (${perSecond.min.toFixed(2)} - ${perSecond.max.toFixed(2)}) times the requests of ${server}; its p50 is ${p50.toFixed(3)}, its p99 ${p99.toFixed(3)} of the peer's\n`,
    );
  }
  process.stdout.write(
    `${MANY} ${unit} in one request: ${ratios.manyPerKey.toFixed(1)} times the ${unit} a second of single requests on one connection, ${ratios.manyPerKeyAtCapacity.toFixed(1)} times those of ${CONNECTIONS} connections; p50 ${many.p50.toFixed(2)} ms\n\n`,
  );
  printOpenLoop(name, found.open);
  const { rows, runs, seconds } = options;
  const isWhole = rows >= FULL.rows && runs >= FULL.runs && seconds >= FULL.seconds;
  const facts = { case: name, date: new Date().toISOString(), machine, rows, runs, seconds, connections: CONNECTIONS };
  const results = {
    ...facts,
    ratios,
    medians,
    many,
    alone,
    rounds: Object.fromEntries(found.singles),
    open: found.open,
  };
  process.stdout.write(`\n${writeResults(name, isWhole, results)}\n`);
}

function printOpenLoop(name: HttpCase, { capacity, levels }: OpenLoop): void {
  const peak = Math.max(...levels.map((l) => l.goodput));
  const unit = name === 'lookup' ? 'keys' : 'rows';
  process.stdout.write(
    `open loop, ${OPEN_ROWS[name]} ${unit} a request; capacity ${capacity.toFixed(0)} requests/s\n\n`,
  );
  printTable([
    [
      'load',
      'due/s',
      'goodput/s',
      'of peak',
      'p50 ms',
      'p99 ms',
      'p99 ms from sending',
      'refused',
      'p99 of refusals',
      'failed',
      'waited to be sent',
      'MiB first - last - most',
      'generator CPU s',
    ],
    ...levels.map((l) => [
      `${l.factor}x`,
      l.rate.toFixed(0),
      l.goodput.toFixed(0),
      (l.goodput / peak).toFixed(2),
      tenths(l.p50),
      tenths(l.p99),
      tenths(l.sentP99),
      String(l.refused),
      tenths(l.refusedP99),
      String(l.failed),
      String(l.waited),
      `${l.memoryMiB[0]} - ${l.memoryMiB.at(-1)} - ${Math.max(...l.memoryMiB)}`,
      l.generatorCpu.toFixed(2),
    ]),
  ]);
}

function tenths(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}
