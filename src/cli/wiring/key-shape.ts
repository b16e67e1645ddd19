import type { JobPredictions, WrittenJob } from '../../base/contract/job.ts';
import type { GenerationMeta } from '../../base/contract/prediction-set.ts';
import { committedManifests } from '../../sets/publish/choose-manifests.ts';
import { keyKind } from '../../sets/publish/publication.ts';
import { createStoreResolver } from './open-store.ts';

/**
 * What keys of a job's set are made of while nothing is published: by the columns of a committed run, else texts.
 *
 * Errors: SET_COLUMN; those of the object store.
 */
export async function keyShapeOf(job: WrittenJob, { key: columns }: JobPredictions): Promise<GenerationMeta['key']> {
  const stores = createStoreResolver(job.stores, { env: process.env });
  try {
    const [manifest] = await committedManifests(job, stores);
    const found = columns.flatMap((name) => manifest?.columns.find((c) => c.name === name) ?? []);
    if (found.length === columns.length) return { columns, kind: keyKind(found) };
    return { columns, kind: columns.length === 1 ? 'string' : 'composite' };
  } finally {
    await stores.close();
  }
}
