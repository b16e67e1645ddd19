import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { loadJob } from '../../src/cli/load/load-job.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { Duck } from '../../src/data/duckdb/duckdb.ts';
import { chooseManifests } from '../../src/sets/publish/choose-manifests.ts';
import { describePublication } from '../../src/sets/publish/publication.ts';
import { type Published, type PublishOptions, publishSet } from '../../src/sets/publish/publish-set.ts';
import { upsertRows } from '../../src/sets/publish/upsert-rows.ts';
import { openPredictionStore } from './prediction-stores.ts';

export interface HowToPublish extends Partial<PublishOptions> {
  readonly partition?: string;
  /** Another store than that of the job file. */
  readonly to?: string;
}

/** Publishes what is committed as the publisher process does, but in this process. */
export async function publishHere(jobPath: string, how: HowToPublish = {}): Promise<Published> {
  return withPublication(jobPath, how, publishSet);
}

/** The same for `mode: upsert`; gives the rows written. */
export async function upsertHere(jobPath: string, how: HowToPublish = {}): Promise<number> {
  return withPublication(jobPath, how, upsertRows);
}

async function withPublication<T>(
  jobPath: string,
  how: HowToPublish,
  publish: (
    publication: ReturnType<typeof describePublication>,
    store: PredictionStore,
    tools: Parameters<typeof publishSet>[2],
    options: PublishOptions,
  ) => Promise<T>,
): Promise<T> {
  const job = loadJob(jobPath);
  const stores = createStoreResolver(job.stores, { env: process.env });
  const scratchDir = join(tmpdir(), `prescore-here-${randomBytes(6).toString('hex')}`);
  mkdirSync(scratchDir, { recursive: true });
  const duck = await Duck.open({ memoryBytes: 128 * 2 ** 20, scratchDir, scratchBytes: 2 ** 30 });
  const store = await openPredictionStore(how.to ?? job.predictions!.store);
  try {
    const manifests = await chooseManifests(job, stores, how.partition ?? null);
    const publication = describePublication(job.name, job.predictions!, job.stores, manifests);
    return await publish(publication, store, { stores, duck, scratchDir }, { ...DEFAULTS, ...how });
  } finally {
    duck.close();
    await store.close();
    await stores.close();
    rmSync(scratchDir, { recursive: true, force: true });
  }
}

const DEFAULTS: PublishOptions = {
  isForced: false,
  isRebuild: false,
  memoryBytes: 64 * 2 ** 20,
  onProgress: () => undefined,
  stop: new AbortController().signal,
};

/** SHA-256 of every page of a generation, by bucket; `missing` where there is none. Two equal ones hold the same bytes. */
export async function pageDigests(store: PredictionStore, set: string, generation: number): Promise<string[]> {
  const meta = await store.readMeta(set, generation);
  if (meta === null) throw new Error(`generation ${generation} has no meta`);
  const buckets = Array.from({ length: meta.buckets }, (_, bucket) => bucket);
  const pages = await store.readPages(set, generation, buckets);
  return pages.map((page) => (page === null ? 'missing' : createHash('sha256').update(page).digest('hex')));
}
