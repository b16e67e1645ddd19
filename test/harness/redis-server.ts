import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { obtainRedis } from './obtain-servers.ts';
import { ServerProcess } from './server-process.ts';

export interface RedisOptions {
  /** Whether writes survive a kill (append-only file, fsync each second). Default true. */
  readonly persistent?: boolean;
  /** Default `noeviction`. */
  readonly maxmemoryPolicy?: string;
  /** As redis.conf writes it, for example `64mb`; no limit by default. */
  readonly maxmemory?: string;
  /** Further command-line arguments of the server. */
  readonly args?: readonly string[];
  /** The port to use instead of a free one. */
  readonly port?: number;
}

export interface RedisServer {
  readonly url: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, after `kill`. */
  restart(): Promise<void>;
  /** Stops it answering without closing anything, until `resume`. */
  pause(): void;
  resume(): void;
}

/** A real Redis: the one that TEST_REDIS_URL names when no options are given, else one of our own on a free port. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const url = process.env['TEST_REDIS_URL'];
  if (url !== undefined && Object.keys(options).length === 0) {
    const foreign = (): Promise<void> => Promise.reject(new Error('the Redis of TEST_REDIS_URL is not ours to end'));
    const pause = (): void => undefined;
    return { url, stop: () => Promise.resolve(), kill: foreign, restart: foreign, pause, resume: pause };
  }
  const file = await obtainRedis();
  try {
    return await startOwn(file, options);
  } catch {
    // The usual reason is a port that was taken meanwhile; a second failure is reported.
    return await startOwn(file, options);
  }
}

async function startOwn(file: string, options: RedisOptions): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'prescore-redis-'));
  const port = options.port ?? (await freePorts(1))[0];
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no'],
    // With everysec, writes are put off for up to two seconds while the disk is busy, and a kill loses what was acknowledged.
    ...['--appendonly', (options.persistent ?? true) ? 'yes' : 'no', '--appendfsync', 'always'],
    ...['--maxmemory-policy', options.maxmemoryPolicy ?? 'noeviction'],
    ...(options.maxmemory === undefined ? [] : ['--maxmemory', options.maxmemory]),
    ...(options.args ?? []),
  ];
  const server = new ServerProcess({ name: 'redis', file, args, isReady: () => answersPing(port!) });
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  await server.startOr(clean);
  return {
    url: `redis://127.0.0.1:${port}/0`,
    kill: () => server.kill(),
    restart: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    stop: async () => {
      await server.stop();
      await clean();
    },
  };
}

/** PING by hand; a server that asks for a password is ready too. */
export function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => finish(/^(\+PONG|-NOAUTH)/.test(data.toString('latin1'))));
  });
}
