import type { PredictionStore } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { LOGIN_FIX, lmdbFolder, STORE_URL_SAYS, storeUrlProblem, withoutLogin } from '../../job/values/store-url.ts';
import type { ConnectionSettings } from '../../sets/redis/connection-types.ts';
import type { RedisCredentials } from '../../sets/redis/redis-address.ts';

export interface OpenedPredictionStore {
  readonly store: PredictionStore;
  /** What people should know about the server's settings. */
  readonly warnings: readonly string[];
}

/**
 * Opens the store of a set from its address. Errors: PREDICTIONS_CONFIG for an address that is none; those of the store.
 */
export async function openPredictionStore(
  url: string,
  env: NodeJS.ProcessEnv,
  { isReader = false, redis = {} }: { readonly isReader?: boolean; readonly redis?: ConnectionSettings } = {},
): Promise<OpenedPredictionStore> {
  // Services are given one URL with everything in it; a job file is not.
  const problem = storeUrlProblem(isReader ? withoutLogin(url) : url);
  if (problem !== null) {
    throw new PrescoreError('PREDICTIONS_CONFIG', {
      what: `the address of the prediction store ${problem}`,
      ...(withoutLogin(url) === url ? { expected: STORE_URL_SAYS } : { where: withoutLogin(url), fix: LOGIN_FIX }),
    });
  }
  const folder = lmdbFolder(url);
  if (folder !== null) {
    const { LmdbStore } = await import('../../sets/lmdb/lmdb-store.ts');
    return { store: new LmdbStore(folder), warnings: [] };
  }
  return openRedis(url, env, isReader, redis);
}

async function openRedis(
  url: string,
  env: NodeJS.ProcessEnv,
  isReader: boolean,
  settings: ConnectionSettings,
): Promise<OpenedPredictionStore> {
  const { RedisStore } = await import('../../sets/redis/redis-store.ts');
  const { checkServer } = await import('../../sets/redis/check-server.ts');
  const store = await RedisStore.open(url, {
    ...settings,
    credentials: redisCredentials(env),
    allowUserInfo: isReader,
  });
  // A reader may have no right to ask, and changes nothing.
  if (isReader) return { store, warnings: [] };
  try {
    const { warnings } = await checkServer(store.connection, {
      allowEviction: env.PRESCORE_REDIS_ALLOW_EVICTION === '1',
    });
    return { store, warnings };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Login from the environment: a job file never holds it. */
export function redisCredentials(env: NodeJS.ProcessEnv): RedisCredentials {
  const username = env.PRESCORE_REDIS_USERNAME;
  const password = env.PRESCORE_REDIS_PASSWORD;
  const sentinelPassword = env.PRESCORE_SENTINEL_PASSWORD;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  };
}
