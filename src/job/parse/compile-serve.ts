import { parseModelRef } from '../../base/contract/model-ref.ts';
import type {
  AnswerSource,
  FeaturePlace,
  ServeConfig,
  ServedRegistry,
  ServedSet,
} from '../../base/contract/serve-config.ts';
import type { Value } from '../fields/field.ts';
import type { ServeFile } from '../fields/serve-fields.ts';
import type { SERVED_SET } from '../fields/served-set-fields.ts';

/** Turns a checked serve file into what the server works with. Errors: none. */
export function compileServe(file: ServeFile): ServeConfig {
  const { listen, models, batcher, auth, tls, hosts, limits } = file;
  return {
    listen,
    sets: Object.fromEntries(Object.entries(file.sets).map(([name, set]) => [name, compileSet(set)])),
    models:
      models === null
        ? null
        : {
            folder: models.folder,
            registry: servedRegistry(models),
            pinned: models.pinned,
            idleUnloadMs: models.idleUnload,
            memoryBytes: models.memory,
            exact: models.exact,
          },
    batcher: {
      maxBatchRows: batcher.maxBatchRows,
      maxQueueDelayMicros: batcher.maxQueueDelayMicros,
      maxQueueRows: batcher.maxQueueRows,
      deadlineMs: batcher.deadline,
    },
    keysFile: auth?.keysFile ?? null,
    tls,
    hosts,
    limits: {
      bodyBytes: limits.body,
      rows: limits.rows,
      keys: limits.keys,
      depth: limits.depth,
      stringBytes: limits.string,
      headerBytes: limits.headers,
      headerTimeMs: limits.headerTime,
      requestTimeMs: limits.requestTime,
      idleTimeMs: limits.idleTime,
      connections: limits.connections,
      inFlight: limits.inFlight,
      queueTimeMs: limits.queueTime,
      lookupTimeMs: limits.lookupTime,
      loopDelayMs: limits.loopDelay,
    },
  };
}

const POLL_MS = 2000;
const KEEP_MS = 600_000;

function servedRegistry(models: NonNullable<ServeFile['models']>): ServedRegistry | null {
  const { registry, serve, poll, keep } = models;
  if (serve === null) return null;
  const refs = serve.flatMap((text) => {
    const ref = parseModelRef(text);
    return typeof ref === 'string' ? [] : [ref];
  });
  return { uri: registry, serve: refs, pollMs: poll ?? POLL_MS, keepMs: keep ?? KEEP_MS };
}

function compileSet(set: Value<typeof SERVED_SET>): ServedSet {
  return {
    store: set.store,
    job: set.job,
    order: set.order ?? naturalOrder(set),
    maxAgeMs: set.maxAge,
    staleForMs: set.staleFor,
    cacheForMs: set.cacheFor,
    negativeForMs: set.negativeFor,
    features: featurePlace(set.features),
    defaults: set.default,
    writeBack: set.writeBack === null ? null : { ttlMs: set.writeBack.ttl },
  };
}

function naturalOrder(set: Value<typeof SERVED_SET>): AnswerSource[] {
  const order: AnswerSource[] = ['cache'];
  if (set.job !== null) order.push('live');
  if (set.staleFor !== null) order.push('stale');
  if (set.default !== null) order.push('default');
  return order;
}

function featurePlace({ redis, key }: Value<typeof SERVED_SET>['features']): FeaturePlace {
  return redis === null || key === null ? { kind: 'request' } : { kind: 'redis', url: redis, key };
}
