import { CONNECTIONS } from './closed-loop.ts';
import { generate, type LoadPlan, type LoadResult, type PacedResult } from './http-plan.ts';
import type { HttpServer } from './http-servers.ts';
import { note } from './paths.ts';
import { tenths } from './report.ts';

/** Connections of the open loop: fewer than `limits.connections`. */
const OPEN_CONNECTIONS = 480;
const FACTORS = [0.5, 1, 2, 5];
/** Of the closed loops that find the capacity: with many, some of the requests are refused. */
const CLOSED = [4, CONNECTIONS];
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
}

/** The capacity is what the better closed loop reaches with the same requests; then shares and multiples of it are offered, in turn. */
export async function openLoop(
  server: HttpServer,
  plan: Omit<LoadPlan, 'connections' | 'rate'>,
  runs: number,
  folder: string,
): Promise<OpenLoop> {
  let capacity = 0;
  for (const connections of CLOSED) {
    const { perSecond } = await generate<LoadResult>('http-load.ts', { ...plan, connections }, folder);
    capacity = Math.max(capacity, perSecond);
  }
  note(`open loop: capacity ${capacity.toFixed(0)}/s`);
  const rounds: OpenLevel[][] = [];
  for (let round = 0; round < runs; round++) rounds.push(await levelsOf(server, plan, capacity, folder));
  return { capacity, rounds };
}

async function levelsOf(
  server: HttpServer,
  plan: Omit<LoadPlan, 'connections' | 'rate'>,
  capacity: number,
  folder: string,
): Promise<OpenLevel[]> {
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
  return levels;
}
