import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GenerationMeta, PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { LmdbStore } from '../../src/sets/lmdb/lmdb-store.ts';
import { RedisStore } from '../../src/sets/redis/redis-store.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { startRedis } from './redis-server.ts';

export interface StorePlace {
  readonly url: string;
  stop(): Promise<void>;
}

export interface PredictionStoreAdapter {
  readonly name: string;
  readonly start: () => Promise<StorePlace>;
}

/** Every kind of prediction store, each on a place of its own. */
export const PREDICTION_STORES: readonly PredictionStoreAdapter[] = [
  { name: 'lmdb', start: temporaryFolder },
  { name: 'redis', start: () => startRedis({ persistent: false }) },
  { name: 'redis cluster', start: () => startRedisCluster() },
];

export function openPredictionStore(url: string): Promise<PredictionStore> {
  return url.startsWith('lmdb:') ? Promise.resolve(new LmdbStore(url.slice('lmdb:'.length))) : RedisStore.open(url);
}

async function temporaryFolder(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'prescore-lmdb-'));
  return { url: `lmdb:${folder}`, stop: () => rm(folder, { recursive: true, force: true }) };
}

/** A meta that is complete but says little. */
export function metaOf(set: string, generation: number, fields: Partial<GenerationMeta> = {}): GenerationMeta {
  return {
    format: 1,
    set,
    generation,
    publication: `publication-${generation}`,
    key: { columns: ['id'], kind: 'string' },
    columns: [{ name: 'score', type: 'float32' }],
    bucketHash: 'crc32',
    buckets: 8,
    rows: 0,
    withoutKey: 0,
    origins: [],
    order: { scope: 'latest', key: String(generation) },
    createdAt: '2026-01-01T00:00:00.000Z',
    expiresAt: null,
    ...fields,
  };
}
