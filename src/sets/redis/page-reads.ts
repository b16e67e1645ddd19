import { setTimeout as sleep } from 'node:timers/promises';
import type { PageCount } from '../../base/contract/prediction-set.ts';
import type { RedisConnection } from './connection.ts';
import type { RedisCommand } from './connection-types.ts';
import { doneKey, metaKey, pageKey } from './key-layout.ts';
import { bytesOf, listOf, numberOf } from './replies.ts';

const READ_BATCH = 256;
const COUNT_BATCH = 2_000;
/** Removing pauses after each batch, so that readers get their turn. */
const DROP_BATCH = 256;
const DROP_PAUSE_MS = 5;

/** Pages in the order asked; null where there is none. */
export async function readPages(
  connection: RedisConnection,
  set: string,
  generation: number,
  buckets: readonly number[],
): Promise<(Uint8Array | null)[]> {
  const keys = buckets.map((bucket) => pageKey(set, generation, bucket));
  if (keys.length === 1) return [bytesOf(await connection.call(['GET', keys[0]!]))];
  if (connection.isCluster) return (await connection.callAll(keys.map((key) => ['GET', key]))).map(bytesOf);
  const replies = await connection.callAll(inBatches(keys, READ_BATCH).map((batch) => ['MGET', ...batch]));
  return replies.flatMap((reply) => listOf(reply).map(bytesOf));
}

/** How many buckets below `buckets` have a page, and the bytes of all pages. */
export async function countPages(
  connection: RedisConnection,
  set: string,
  generation: number,
  buckets: number,
): Promise<PageCount> {
  let pages = 0;
  let bytes = 0;
  for (let from = 0; from < buckets; from += COUNT_BATCH) {
    const keys = pageKeys(set, generation, from, Math.min(buckets, from + COUNT_BATCH));
    const lengths = (await connection.callAll(keys.map((key) => ['STRLEN', key]))).map(numberOf);
    // STRLEN is 0 for an empty page as for none.
    const unsure = keys.filter((_, i) => lengths[i] === 0);
    const found = (await connection.callAll(unsure.map((key) => ['EXISTS', key]))).map(numberOf);
    pages += keys.length - unsure.length + found.reduce((sum, n) => sum + n, 0);
    bytes += lengths.reduce((sum, n) => sum + n, 0);
  }
  return { pages, bytes };
}

/** Removes pages, then what says that they were there. Safe to repeat. */
export async function dropGeneration(
  connection: RedisConnection,
  set: string,
  generation: number,
  buckets: number,
): Promise<void> {
  for (let from = 0; from < buckets; from += DROP_BATCH) {
    const keys = pageKeys(set, generation, from, Math.min(buckets, from + DROP_BATCH));
    // One command may touch keys of one slot only, so a cluster gets one each.
    const commands: RedisCommand[] = connection.isCluster ? keys.map((key) => ['UNLINK', key]) : [['UNLINK', ...keys]];
    await connection.callAll(commands);
    if (from + DROP_BATCH < buckets) await sleep(DROP_PAUSE_MS);
  }
  await connection.callAll([
    ['UNLINK', doneKey(set, generation)],
    ['UNLINK', metaKey(set, generation)],
  ]);
}

function pageKeys(set: string, generation: number, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => pageKey(set, generation, from + i));
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
