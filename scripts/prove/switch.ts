import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { reclaim } from '../../src/sets/publish/reclaim.ts';
import { commitRows, setJob } from '../../test/harness/committed-run.ts';
import { openPredictionStore } from '../../test/harness/prediction-stores.ts';
import { publishHere } from '../../test/harness/publish-here.ts';
import type { ReaderTally } from '../../test/harness/set-reader.ts';

const READER = fileURLToPath(new URL('../../test/harness/set-reader.ts', import.meta.url));
const READERS = 4;

export interface SwitchOptions {
  readonly url: string;
  readonly folder: string;
  readonly publishes: number;
  readonly keys: number;
  /** Publications are spread over at least this long. */
  readonly leastMs: number;
  readonly pointerMs: number;
  readonly onPublish?: (n: number) => void;
}

export interface SwitchResult extends ReaderTally {
  readonly publishes: number;
  readonly reclaimed: number;
  readonly seconds: number;
}

/**
 * Readers in processes of their own ask for 50 keys at a time while one table after the other is published; the value of all
 * keys is the number of the run. An answer with two numbers would mix two generations.
 */
export async function proveSwitch(options: SwitchOptions): Promise<SwitchResult> {
  const { url, publishes, keys } = options;
  const set = `switch-${process.pid}`;
  const store = await openPredictionStore(url);
  const job = setJob(join(options.folder, set), { store: url, set, keep: 1 });
  const rows = (y: number): string => `select 'k' || i as id, ${y}::float as y from range(${keys}) t(i)`;
  await commitRows(job, { parts: [rows(1)] });
  await publishHere(job);
  const args = [url, set, String(keys), String(options.pointerMs)];
  const readers = Array.from({ length: READERS }, () => fork(READER, args));
  const started = performance.now();
  let reclaimed = 0;
  try {
    await Promise.all(readers.map((reader) => messageOf(reader)));
    for (let n = 2; n <= publishes; n++) {
      await commitRows(job, { parts: [rows(n)] });
      await publishHere(job);
      reclaimed += (await reclaim(store, set)).generations.length;
      options.onPublish?.(n);
      await sleep(Math.max(0, (options.leastMs * n) / publishes - (performance.now() - started)));
    }
    // So that all readers see the last one.
    await sleep(options.pointerMs + 300);
    const tallies = readers.map((reader) => messageOf(reader));
    for (const reader of readers) reader.send('end');
    const all = (await Promise.all(tallies)) as ReaderTally[];
    const seconds = (performance.now() - started) / 1000;
    return { ...all.reduce((a, b) => added(a, b)), publishes, reclaimed, seconds };
  } finally {
    for (const reader of readers) reader.kill('SIGKILL');
    await store.close();
  }
}

async function messageOf(reader: ChildProcess): Promise<unknown> {
  const ended = once(reader, 'exit').then(([code]) => {
    throw new Error(`a reader ended with ${code}`);
  });
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(reader, 'message'), ended])) as unknown[];
  return message;
}

function added(a: ReaderTally, b: ReaderTally): ReaderTally {
  const sum = { ...a };
  for (const name of Object.keys(a) as (keyof ReaderTally)[]) sum[name] += b[name];
  return sum;
}
