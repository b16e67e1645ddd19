import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../test/harness/free-ports.ts';
import { descendants, pssBytes } from './memory.ts';
import { PYTHON } from './paths.ts';
import { cpuOf } from './proc.ts';
import { pythonEnv } from './python-env.ts';

/** A server that is measured, in processes of its own. */
export interface HttpServer {
  readonly name: string;
  readonly url: string;
  /** CPU seconds so far, of all its processes. */
  cpu(): number;
  /** Proportional set size of all its processes. */
  memory(): number;
  stop(): Promise<void>;
}

export interface ServerPlace {
  readonly folder: string;
  readonly redisUrl: string;
  readonly redisPort: number;
  /** prescore's compiled command line. */
  readonly prescore: string;
  readonly job: string;
  readonly model: string;
  readonly columns: readonly string[];
}

const READY_MS = 60_000;

/** `prescore serve` with a set for lookups, behind which is a model where it `falls` back to one, and one that is always scored live. */
export async function startPrescore(place: ServerPlace, falls: boolean): Promise<HttpServer> {
  const [port] = await freePorts(1);
  const file = join(place.folder, 'serve.json');
  const { redisUrl: store, job } = place;
  // The peer remembers no key that is not there.
  const behind = falls ? { job, order: ['cache', 'live'], negativeFor: '0s' } : { order: ['cache'] };
  const sets = {
    'flight-delay': { store, ...behind },
    live: { job, order: ['live'], features: { from: 'request' } },
  };
  writeFileSync(file, JSON.stringify({ 'prescore-serve': 1, listen: { port }, sets, batcher: { deadline: '1s' } }));
  const args = [place.prescore, 'serve', file, '--drain', '0s', '--log-level', 'warn'];
  return start('prescore', spawnLogged(process.execPath, args, {}, place.folder), `http://127.0.0.1:${port}`);
}

/** As FastAPI's documentation teaches it, or with what makes it fast. */
export type PeerKind = 'plain' | 'tuned';

/** A FastAPI endpoint with so many workers. */
export async function startPeer(place: ServerPlace, kind: PeerKind, workers: number): Promise<HttpServer> {
  const [port] = await freePorts(1);
  const env = {
    ...(await pythonEnv('serve')),
    BENCH_MODEL: place.model,
    BENCH_COLUMNS: JSON.stringify(place.columns),
    BENCH_REDIS_PORT: String(place.redisPort),
    OMP_NUM_THREADS: '1',
  };
  const flags = ['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning'];
  const app = kind === 'plain' ? 'serve_plain_peer:app' : 'serve_peer:app';
  const args = ['-m', 'uvicorn', app, '--app-dir', PYTHON, '--port', String(port), ...flags];
  const child = spawnLogged('python3', [...args, '--workers', String(workers)], env, place.folder);
  return start(`fastapi-${kind}-${workers}`, child, `http://127.0.0.1:${port}`);
}

function spawnLogged(file: string, args: readonly string[], env: object, folder: string): ChildProcess {
  const log = openSync(join(folder, 'servers.log'), 'a');
  return spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
}

async function start(name: string, child: ChildProcess, url: string): Promise<HttpServer> {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pids = (): number[] => [child.pid!, ...descendants(child.pid!)];
  const limit = performance.now() + READY_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || performance.now() > limit) throw new Error(`${name} does not answer at ${url}`);
    await sleep(100);
  }
  return {
    name,
    url,
    cpu: () => pids().reduce((sum, pid) => sum + cpuOf(pid), 0),
    memory: () => pids().reduce((sum, pid) => sum + pssBytes(pid), 0),
    stop: async () => {
      process.off('exit', end);
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    (response) => response.ok,
    () => false,
  );
}
