import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONNECTIONS } from './closed-loop.ts';
import { generate, type LoadPlan, type LoadResult, type PacedResult } from './http-plan.ts';
import type { HttpServer } from './http-servers.ts';
import { note, ROOT } from './paths.ts';
import { tenths } from './report.ts';

/** Connections of the open loop: fewer than `limits.connections`. */
const OPEN_CONNECTIONS = 480;
const FACTORS = [0.5, 1, 2, 5];
/** The level that is measured once more while what the highest has above it is sent to a server that only refuses. */
const BESIDE = 2;
const SURPLUS = FACTORS.at(-1)! - BESIDE;
/** The surplus begins earlier and ends later. */
const LEAD_MS = 700;
const TAIL_S = 1;
/** Of the closed loops that find the capacity: with many, some of the requests are refused. Several times: what is slow once is the machine. */
const CLOSED = [4, CONNECTIONS, 4, CONNECTIONS, 4, CONNECTIONS];
const MEMORY_EVERY_MS = 500;

export interface OpenLevel extends PacedResult {
  readonly factor: number;
  readonly serverCpu: number;
  /** MiB of all processes of the server, twice a second. */
  readonly memoryMiB: readonly number[];
}

export interface OpenLoop {
  readonly capacity: number;
  /** Each with all levels, in order. */
  readonly rounds: readonly (readonly OpenLevel[])[];
  /** Of each round, the level of factor 2 beside a flood that is not for this server. */
  readonly beside: readonly OpenLevel[];
}

type OpenPlan = Omit<LoadPlan, 'connections' | 'rate'>;

/**
 * The capacity is what the best closed loop reaches with the same requests; then shares and multiples of it are offered, in turn.
 * Last, twice the capacity beside a flood for another server: what the machine has to do with a flood, whoever it is for.
 */
export async function openLoop(server: HttpServer, plan: OpenPlan, runs: number, folder: string): Promise<OpenLoop> {
  let capacity = 0;
  for (const connections of CLOSED) {
    const { perSecond } = await generate<LoadResult>('http-load.ts', { ...plan, connections }, folder);
    capacity = Math.max(capacity, perSecond);
  }
  note(`open loop: capacity ${capacity.toFixed(0)}/s`);
  const sink = fork(join(ROOT, 'bench', 'sink.ts'));
  try {
    const [port] = (await once(sink, 'message')) as [number];
    const surplus = { ...plan, url: `http://127.0.0.1:${port}`, seconds: plan.seconds + LEAD_MS / 1000 + TAIL_S };
    const rounds: OpenLevel[][] = [];
    const beside: OpenLevel[] = [];
    for (let round = 0; round < runs; round++) {
      const levels: OpenLevel[] = [];
      for (const factor of FACTORS) levels.push(await levelOf(server, plan, capacity, factor, folder));
      rounds.push(levels);
      const [level] = await Promise.all([
        sleep(LEAD_MS).then(() => levelOf(server, plan, capacity, BESIDE, folder)),
        offer(surplus, capacity * SURPLUS, folder),
      ]);
      beside.push(level);
    }
    return { capacity, rounds, beside };
  } finally {
    sink.kill();
  }
}

async function levelOf(
  server: HttpServer,
  plan: OpenPlan,
  capacity: number,
  factor: number,
  folder: string,
): Promise<OpenLevel> {
  const memoryMiB: number[] = [];
  const timer = setInterval(() => memoryMiB.push(Math.round(server.memory() / 2 ** 20)), MEMORY_EVERY_MS);
  const cpu = server.cpu();
  const paced = await offer(plan, capacity * factor, folder).finally(() => clearInterval(timer));
  note(`${factor}x: goodput ${paced.goodput.toFixed(0)}/s, p99 ${tenths(paced.p99)} ms, ${paced.refused} refused`);
  return { ...paced, factor, serverCpu: server.cpu() - cpu, memoryMiB };
}

/** So many requests a second, whatever becomes of them. */
function offer(plan: OpenPlan, rate: number, folder: string): Promise<PacedResult> {
  const offered = { ...plan, connections: OPEN_CONNECTIONS, rate: Math.max(1, rate) };
  return generate<PacedResult>('paced-load.ts', offered, folder);
}
