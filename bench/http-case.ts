import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis } from '../test/harness/redis-server.ts';
import { buildPrograms } from './build.ts';
import { jobFile } from './cases.ts';
import { rounds, take, warm } from './closed-loop.ts';
import { caseOver, makeInputs } from './data.ts';
import { type Bodies, liveBodies, lookupBodies, MANY } from './http-bodies.ts';
import { report } from './http-report.ts';
import { type HttpServer, type ServerPlace, startPeer, startPrescore } from './http-servers.ts';
import { machineFacts } from './machine.ts';
import { measure } from './measure.ts';
import { openLoop } from './open-loop.ts';
import type { HttpCase, Options } from './options.ts';
import { note, PYTHON, WORK } from './paths.ts';
import { pinnedVersions, pythonEnv } from './python-env.ts';

const PEERS = [
  ['plain', 1],
  ['tuned', 1],
  ['tuned', 2],
] as const;

/** Requests over HTTP against `prescore serve` and the FastAPI peer in turn; then many keys in one request; then an open loop. */
export async function httpCase(options: Options, name: HttpCase): Promise<void> {
  const machine = { ...machineFacts(), fastapi: pinnedVersions('serve')['fastapi']! };
  const server = await startRedis({ persistent: false });
  const redis = new Redis(server.url);
  const folder = join(WORK, 'out', `${process.pid}-http`);
  const running: HttpServer[] = [];
  try {
    const { place, bodies } = await prepare(options, name, folder, server.url);
    running.push(await startPrescore(place, name === 'fallback'));
    for (const [kind, workers] of PEERS) running.push(await startPeer(place, kind, workers));
    const own = running[0]!;
    const path = `/v1/predictions/${name === 'live' ? 'live' : 'flight-delay'}`;
    await expectSame(running, path, bodies.one[0]!);
    const loop = { path, bodies, seconds: options.seconds, redis, folder };
    for (const one of running) await warm(loop, one);
    const singles = await rounds(running, options.runs, 'one', (one) => take(loop, one, 'one'));
    const many = await rounds([own], options.runs, `${MANY} together`, (one) => take(loop, one, 'many', 1));
    const alone = await rounds([own], options.runs, 'one connection', (one) => take(loop, one, 'one', 1));
    const paced = { url: own.url, path, bodies: bodies.paced, seconds: options.seconds };
    const open = await openLoop(own, paced, options.runs, folder);
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
  const { openRows } = options;
  const bodies =
    name === 'lookup' ? await lookupBodies(output, openRows) : await liveBodies(file.inputs[0]!, columns, openRows);
  return { place, bodies };
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
