import type { PredictionStore } from '../contract/prediction-set.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { lmdbFolder, STORE_URL_SAYS, storeUrlProblem } from '../spec/store-url.ts';

export interface OpenedPredictionStore {
  readonly store: PredictionStore;
  /** What people should know about the server's settings. */
  readonly warnings: readonly string[];
}

/**
 * Opens the store of a set from its address. Errors: PREDICTIONS_CONFIG for an address that is none; those of the store.
 */
export async function openPredictionStore(url: string, env: NodeJS.ProcessEnv): Promise<OpenedPredictionStore> {
  const problem = storeUrlProblem(url);
  if (problem !== null) {
    throw new PrescoreError('PREDICTIONS_CONFIG', {
      what: `the address of the prediction store ${problem}`,
      expected: STORE_URL_SAYS,
    });
  }
  const folder = lmdbFolder(url);
  if (folder !== null) {
    const { LmdbStore } = await import('../lmdb/lmdb-store.ts');
    return { store: new LmdbStore(folder), warnings: [] };
  }
  return openRedis(url, env);
}

function openRedis(url: string, env: NodeJS.ProcessEnv): Promise<OpenedPredictionStore> {
  void url;
  void env;
  return Promise.reject(new PrescoreError('PREDICTIONS_CONFIG', { what: 'not here yet' }));
}
