import type { Redis } from 'ioredis';
import type { Bodies } from './http-bodies.ts';
import { generate, type LoadResult } from './http-plan.ts';
import type { HttpServer } from './http-servers.ts';
import { note } from './paths.ts';
import { spread } from './statistics.ts';

/** Connections that send one request after the other. */
export const CONNECTIONS = 16;
const WARM_SECONDS = 2;
/** Before the first measurement: what is compiled while it runs (V8) is compiled by then. */
const FIRST_SECONDS = 20;

/** One measurement of one server. */
export interface Taken extends LoadResult {
  readonly serverCpu: number;
  readonly redisCpu: number;
}

/** Where and how long a closed loop asks. */
export interface ClosedLoop {
  readonly path: string;
  readonly bodies: Bodies;
  readonly seconds: number;
  readonly redis: Redis;
  readonly folder: string;
}

/** What a server is to have done before anything is measured. */
export async function warm(loop: ClosedLoop, one: HttpServer): Promise<void> {
  await load({ ...loop, seconds: FIRST_SECONDS }, one, 'one', CONNECTIONS);
}

/** Lets a server come back to its speed, then measures it. */
export async function take(
  loop: ClosedLoop,
  one: HttpServer,
  which: keyof Bodies,
  connections = CONNECTIONS,
): Promise<Taken> {
  const { redis, seconds } = loop;
  await load({ ...loop, seconds: Math.min(WARM_SECONDS, seconds) }, one, which, connections);
  const before = { server: one.cpu(), redis: await redisCpu(redis) };
  const result = await load(loop, one, which, connections);
  if (result.requests === 0) throw new Error(`${one.name}: no answer with 200`);
  return { ...result, serverCpu: one.cpu() - before.server, redisCpu: (await redisCpu(redis)) - before.redis };
}

function load(
  { path, bodies, seconds, folder }: ClosedLoop,
  one: HttpServer,
  which: keyof Bodies,
  connections: number,
): Promise<LoadResult> {
  const plan = { url: one.url, path, bodies: bodies[which], connections, seconds };
  return generate<LoadResult>('http-load.ts', plan, folder);
}

/** Measures the servers in turn, each round beginning with another one. */
export async function rounds(
  servers: readonly HttpServer[],
  runs: number,
  what: string,
  measure: (server: HttpServer) => Promise<Taken>,
): Promise<Map<string, Taken[]>> {
  const taken = new Map<string, Taken[]>(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < runs; round++) {
    for (const k of servers.keys()) {
      const server = servers[(k + round) % servers.length]!;
      const one = await measure(server);
      note(
        `round ${round + 1}, ${what}: ${server.name} ${one.perSecond.toFixed(0)}/s, p50 ${one.p50.toFixed(2)} ms, p99 ${one.p99.toFixed(2)} ms`,
      );
      taken.get(server.name)!.push(one);
    }
  }
  return taken;
}

/** Each figure by its median; what was bad by its most. */
export function medianOf(all: readonly Taken[]): Taken {
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

async function redisCpu(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const of = (field: string): number => Number(new RegExp(`^${field}:([0-9.]+)`, 'm').exec(info)?.[1]);
  return of('used_cpu_user') + of('used_cpu_sys');
}
