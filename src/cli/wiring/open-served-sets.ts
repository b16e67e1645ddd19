import type { WrittenJob } from '../../base/contract/job.ts';
import type { JobScorer } from '../../base/contract/job-scorer.ts';
import type { PredictionStore } from '../../base/contract/prediction-set.ts';
import type { ServedSet } from '../../base/contract/serve-config.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import { withoutLogin } from '../../job/values/store-url.ts';
import type { Admission } from '../../online/http/admission.ts';
import { FeatureHashes } from '../../online/live/feature-hashes.ts';
import { LiveLane } from '../../online/live/live-lane.ts';
import { WriteBack } from '../../online/live/write-back.ts';
import type { BreakerState } from '../../online/lookup/breaker.ts';
import type { ServeMetrics } from '../../online/lookup/serve-metrics.ts';
import { SetLookup, storedKey } from '../../online/lookup/set-lookup.ts';
import { SetServer } from '../../online/lookup/set-server.ts';
import { SpotCheck } from '../../online/lookup/spot-check.ts';
import { StoreLane } from '../../online/lookup/store-lane.ts';
import { RedisConnection } from '../../sets/redis/connection.ts';
import { type LoadedServe, storeOf } from '../load/load-serve.ts';
import { openPredictionStore, redisCredentials } from './open-prediction-store.ts';

export interface ServedSetsDeps {
  readonly admission: Admission;
  readonly metrics: ServeMetrics;
  readonly log: Logger;
  /** Live scorers by set name. */
  readonly scorers: ReadonlyMap<string, JobScorer>;
}

/** The sets of a server and what they hold open. */
export interface ServedSets {
  readonly sets: ReadonlyMap<string, SetServer>;
  /** Asks every store once, so that the first client does not pay for connections. What is away is asked again later. */
  warmUp(): Promise<void>;
  /** Writes what is waiting to be written back, then closes everything. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;

/** Builds every set of a serve file. Opens nothing: stores are opened when they are first asked. Errors: none. */
export function openServedSets({ config, jobs }: LoadedServe, deps: ServedSetsDeps): ServedSets {
  const { limits, batcher } = config;
  const lanes = new Map<string, StoreLane>();
  const laneOf = (url: string): StoreLane => {
    let lane = lanes.get(url);
    if (lane === undefined) {
      lane = newLane(url, limits.lookupTimeMs, deps);
      lanes.set(url, lane);
    }
    return lane;
  };
  const sets = new Map<string, SetServer>();
  const writers: WriteBack[] = [];
  for (const [name, set] of Object.entries(config.sets)) {
    const job = jobs.get(name);
    const url = storeOf(set, job);
    const lookup = new SetLookup(laneOf(url), name, (keys) => deps.metrics.lookupBatch(keys));
    const scorer = deps.scorers.get(name);
    let writer: WriteBack | null = null;
    if (scorer !== undefined && set.writeBack !== null) {
      writer = newWriter({ name, url, ttlMs: set.writeBack.ttlMs, scorer, job }, deps);
      writers.push(writer);
    }
    const lane = scorer === undefined ? null : newLive(set, scorer, { lookup, writer, batcher, limits });
    const server: SetServer = new SetServer({
      name,
      config: set,
      lookup,
      live: scorer === undefined || lane === null ? null : { lane, scorer },
      spot: lane === null ? null : newSpot(name, lane, deps),
      admission: deps.admission,
      columns: columnsOf(job, scorer),
      onLookup: (outcome, keys) => deps.metrics.lookedUp(name, outcome, keys),
    });
    sets.set(name, server);
  }
  return {
    sets,
    warmUp: async () => {
      await Promise.allSettled([...sets.values()].map((server) => server.lookup?.keyShape()));
    },
    close: async () => {
      await Promise.all(writers.map((writer) => writer.close(CLOSE_MS)));
      await Promise.all([...sets.values()].map((server) => server.live?.lane.close()));
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}

function newLane(url: string, limitMs: number, { metrics, log }: ServedSetsDeps): StoreLane {
  const shown = withoutLogin(url);
  const onState = (state: BreakerState): void => {
    metrics.breaker(shown, state);
    if (state !== 'half-open') log.warn({ store: shown, state }, 'breaker of a prediction store');
  };
  metrics.breaker(shown, 'closed');
  // Nothing is tried again here: who asks has little time, and there may be another way to an answer.
  const redis = { commandTimeoutMs: limitMs, connectTimeoutMs: Math.max(limitMs, 1_000), retryForMs: 0 };
  const open = async (): Promise<PredictionStore> =>
    (await openPredictionStore(url, process.env, { isReader: true, redis })).store;
  return new StoreLane({ url: shown, open, limitMs, onState });
}

/** The columns of a job's set that its model makes; null where they are all that it makes. */
function columnsOf(job: WrittenJob | undefined, scorer: JobScorer | undefined): readonly string[] | null {
  const made = scorer?.values.map(({ name }) => name);
  return job?.predictions?.values?.filter((name) => made?.includes(name) ?? true) ?? null;
}

function newSpot(name: string, lane: LiveLane, { metrics }: ServedSetsDeps): SpotCheck {
  return new SpotCheck({ lane, onChecked: (outcome) => metrics.spotChecked(name, outcome) });
}

interface WriterOf {
  readonly name: string;
  readonly url: string;
  readonly ttlMs: number;
  readonly scorer: JobScorer;
  readonly job: WrittenJob | undefined;
}

function newWriter({ name, url, ttlMs, scorer, job }: WriterOf, { metrics }: ServedSetsDeps): WriteBack {
  const columns = columnsOf(job, scorer);
  return new WriteBack({
    set: name,
    columns: scorer.values.filter(({ name: column }) => columns?.includes(column) ?? true),
    ttlMs,
    open: async () => (await openPredictionStore(url, process.env, { isReader: true })).store,
    onWritten: (entries, outcome) => metrics.written(name, outcome, entries),
  });
}

interface LiveOf {
  readonly lookup: SetLookup;
  readonly writer: WriteBack | null;
  readonly batcher: LoadedServe['config']['batcher'];
  readonly limits: LoadedServe['config']['limits'];
}

function newLive(set: ServedSet, scorer: JobScorer, { lookup, writer, batcher, limits }: LiveOf): LiveLane {
  return new LiveLane({
    scorer,
    hashes: set.features.kind === 'request' ? null : newHashes(set.features, scorer, limits.lookupTimeMs),
    deadlineMs: batcher.deadlineMs,
    queueTimeMs: limits.queueTimeMs,
    maxRows: limits.rows,
    negativeForMs: set.negativeForMs,
    onScored: ({ key }, score) => {
      if (writer === null) return;
      // Without the set's meta nobody knows under which bytes the key would be found.
      lookup.keyShape().then(
        (shape) => writer.add(storedKey(key, shape), score),
        () => undefined,
      );
    },
  });
}

function newHashes(
  place: { readonly url: string; readonly key: string },
  scorer: JobScorer,
  limitMs: number,
): FeatureHashes {
  const credentials = redisCredentials(process.env);
  const settings = {
    commandTimeoutMs: limitMs,
    connectTimeoutMs: Math.max(limitMs, 1_000),
    retryForMs: 0,
    credentials,
  };
  return new FeatureHashes({
    url: place.url,
    template: place.key,
    columns: scorer.features.map(({ name }) => name),
    open: () => RedisConnection.open(place.url, settings),
    limitMs,
  });
}
