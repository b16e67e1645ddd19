import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './paths.ts';

/** What a load generator is to send. */
export interface LoadPlan {
  readonly url: string;
  readonly path: string;
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Requests per second of the open loop. */
  readonly rate?: number;
}

/** What a closed loop found. Times are milliseconds, of answers with status 200. */
export interface LoadResult {
  readonly requests: number;
  /** Other statuses and errors. */
  readonly bad: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly generatorCpu: number;
}

/** What an open loop found. Times count from when a request was due, whenever it could be sent. */
export interface PacedResult {
  readonly rate: number;
  readonly due: number;
  readonly sent: number;
  /** Answers with 200; and those a second that came before the last request was due. */
  readonly good: number;
  readonly goodput: number;
  /** Answers with 503. */
  readonly refused: number;
  /** Connections that failed, and requests without an answer in time. */
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that found every connection busy. */
  readonly waited: number;
  /** Of answers with 200; null when there are none. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** The same from when a request was sent: without the wait for a free connection. */
  readonly sentP99: number | null;
  /** Of refusals, from when they were due. */
  readonly refusedP99: number | null;
  readonly generatorCpu: number;
}

let plans = 0;

/** Runs a load generator in a process of its own; its plan goes through a file in `folder`. */
export async function generate<T>(program: string, plan: LoadPlan, folder: string): Promise<T> {
  const path = join(folder, `plan-${plans++}.json`);
  await writeFile(path, JSON.stringify(plan));
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'bench', program), path], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as T;
}
