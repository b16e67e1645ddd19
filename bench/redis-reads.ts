import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Redis } from 'ioredis';
import { openPredictions } from '../src/index.ts';

const WARM = 5_000;
const READS = 20_000;

export type ReadTimes = Readonly<Record<string, { readonly p50: number; readonly p99: number }>>;

/**
 * Microseconds of one lookup after the other in this process: of the set in Redis, of a raw GET of one key per prediction on the
 * same server, and of the same set in LMDB. Random keys, all of which are there.
 */
export async function readTimes(
  url: string,
  output: string,
  lmdb: string,
  prescore: string,
  job: string,
): Promise<ReadTimes> {
  const keys = await randomKeys(output);
  const raw = new Redis(url);
  const inRedis = await openPredictions(url, 'bench');
  publishToLmdb(prescore, job, lmdb);
  const inLmdb = await openPredictions(`lmdb:${lmdb}`, 'bench');
  const times: Record<string, number[]> = { 'ioredis GET': [], 'prescore get, Redis': [], 'prescore get, LMDB': [] };
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    'ioredis GET': (key) => raw.get(`flight-delay:${key}`),
    'prescore get, Redis': (key) => inRedis.get(key),
    'prescore get, LMDB': (key) => inLmdb.get(key),
  };
  // In turns of a thousand, so that a slow spell of the machine hits all.
  for (let from = 0; from < WARM + READS; from += 1000) {
    for (const [name, read] of Object.entries(readers)) {
      for (let i = from; i < from + 1000; i++) {
        const key = keys[i % keys.length]!;
        const started = performance.now();
        const answer = await read(key);
        const micros = (performance.now() - started) * 1000;
        if (answer === null) throw new Error(`${name} does not find ${key}`);
        if (from >= WARM) times[name]!.push(micros);
      }
    }
  }
  raw.disconnect();
  await inRedis.close();
  await inLmdb.close();
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, quantiles(all)]));
}

function quantiles(times: number[]): { readonly p50: number; readonly p99: number } {
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length * 0.5)]!, p99: times[Math.floor(times.length * 0.99)]! };
}

async function randomKeys(output: string): Promise<string[]> {
  const duck = await (await DuckDBInstance.create(':memory:')).connect();
  const part = join(output, readdirSync(output).find((n) => n.endsWith('.parquet'))!);
  const sql = `select flight_id from read_parquet('${part}') using sample reservoir(20000 rows) repeatable (7)`;
  const rows = (await duck.runAndReadAll(sql)).getRowsJS();
  duck.closeSync();
  return rows.map((row) => String(row[0]));
}

function publishToLmdb(prescore: string, job: string, lmdb: string): void {
  const file = JSON.parse(readFileSync(job, 'utf8')) as { predictions: { store: string } };
  file.predictions.store = `lmdb:${lmdb}`;
  const path = `${job}.lmdb.json`;
  writeFileSync(path, JSON.stringify(file));
  execFileSync(process.execPath, [prescore, 'publish', path], { stdio: 'ignore' });
}
