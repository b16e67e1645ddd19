import { randomBytes } from 'node:crypto';
import type { GenerationMeta, SetPointer, SetState } from '../../base/contract/prediction-set.ts';
import type { RedisConnection } from './connection.ts';
import { metaKey, POINTER_PATTERN, pointerKey, setOfPointer } from './key-layout.ts';
import { expiryArgs } from './page-expiry.ts';
import { jsonOf, listOf, numberOf, textOf } from './replies.ts';
import { CLOCK, SWAP_STATE } from './set-scripts.ts';

/** The server's time in milliseconds. */
export async function serverTime(connection: RedisConnection): Promise<number> {
  const reply = connection.isCluster
    ? await connection.evaluate(CLOCK, 'prescore:clock', [])
    : await connection.call(['TIME']);
  const [seconds, micros] = listOf(reply);
  return Number(textOf(seconds)) * 1000 + Math.floor(Number(textOf(micros)) / 1000);
}

/** Names of all sets, sorted. Walks over all keys of the database in steps. */
export async function listSets(connection: RedisConnection): Promise<string[]> {
  const found = new Set<string>();
  await connection.onEach(async (send) => {
    let cursor = '0';
    do {
      const [next, keys] = listOf(await send(['SCAN', cursor, 'MATCH', POINTER_PATTERN, 'COUNT', '1000']));
      for (const key of listOf(keys)) {
        const set = setOfPointer(textOf(key) ?? '');
        if (set !== null) found.add(set);
      }
      cursor = textOf(next) ?? '0';
    } while (cursor !== '0');
  });
  return [...found].sort();
}

export async function readState(connection: RedisConnection, set: string): Promise<SetState | null> {
  return jsonOf<SetState>(await connection.call(['HGET', pointerKey(set), 'state']));
}

export async function swapState(
  connection: RedisConnection,
  set: string,
  version: number,
  next: SetState,
): Promise<boolean> {
  const { epoch, generation, publishedAt, expiresAt, hasOverlay } = next.pointer;
  const reply = await connection.evaluate(SWAP_STATE, pointerKey(set), [
    String(version),
    String(next.version),
    randomBytes(8).toString('hex'),
    JSON.stringify(next),
    ...[String(epoch), String(generation), publishedAt, expiresAt ?? '', hasOverlay ? '1' : '0'],
  ]);
  return numberOf(reply) === 1;
}

export async function readPointer(connection: RedisConnection, set: string): Promise<SetPointer | null> {
  const reply = await connection.call([
    ...['HMGET', pointerKey(set)],
    ...['epoch', 'gen', 'publishedAt', 'expiresAt', 'overlay'],
  ]);
  const [epoch, generation, publishedAt, expiresAt, overlay] = listOf(reply).map(textOf);
  if (epoch == null || generation == null) return null;
  return {
    epoch: Number(epoch),
    generation: Number(generation),
    publishedAt: publishedAt ?? '',
    expiresAt: expiresAt == null || expiresAt === '' ? null : expiresAt,
    hasOverlay: overlay === '1',
  };
}

export async function readMeta(
  connection: RedisConnection,
  set: string,
  generation: number,
): Promise<GenerationMeta | null> {
  return jsonOf<GenerationMeta>(await connection.call(['GET', metaKey(set, generation)]));
}

/** Stores the meta unless there is one; gives the one that holds. */
export async function createMeta(connection: RedisConnection, meta: GenerationMeta): Promise<GenerationMeta> {
  const key = metaKey(meta.set, meta.generation);
  const reply = await connection.call(['SET', key, JSON.stringify(meta), 'NX', ...expiryArgs(meta)]);
  if (textOf(reply) === 'OK') return meta;
  return (await readMeta(connection, meta.set, meta.generation)) ?? meta;
}
