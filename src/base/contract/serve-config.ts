import type { ExactOption } from './exact.ts';
import type { PredictionValue } from './prediction-set.ts';
import type { ModelRef } from './registry.ts';

/** A checked serve file. Times are milliseconds, sizes bytes; null means: left out. */
export interface ServeConfig {
  readonly listen: {
    readonly host: string;
    readonly port: number;
    readonly grpcPort: number | null;
    readonly metricsPort: number | null;
  };
  /** By set name. */
  readonly sets: Readonly<Record<string, ServedSet>>;
  readonly models: ServedModels | null;
  readonly batcher: BatcherConfig;
  /** Path of the file of keys; null: no keys, so only loopback. */
  readonly keysFile: string | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly hosts: readonly string[];
  readonly limits: ServeLimits;
}

/** Where an answer came from, in the words of the serve file. */
export type AnswerSource = 'cache' | 'live' | 'stale' | 'default';

export interface ServedSet {
  /** Null: that of the job. */
  readonly store: string | null;
  /** Path of the job file, for live inference; null: lookups alone. */
  readonly job: string | null;
  readonly order: readonly AnswerSource[];
  readonly maxAgeMs: number | null;
  readonly staleForMs: number | null;
  readonly cacheForMs: number;
  readonly negativeForMs: number;
  readonly features: FeaturePlace;
  readonly defaults: Readonly<Record<string, PredictionValue>> | null;
  readonly writeBack: { readonly ttlMs: number } | null;
}

/** Features come with the request, or from a hash per key whose name holds `{key}`. */
export type FeaturePlace =
  | { readonly kind: 'request' }
  | { readonly kind: 'redis'; readonly url: string; readonly key: string };

export interface ServedModels {
  /** URI of `<name>/<version>/model.onnx`; null: the models come from `registry`. */
  readonly folder: string | null;
  readonly registry: ServedRegistry | null;
  readonly pinned: readonly string[];
  readonly idleUnloadMs: number;
  readonly memoryBytes: number;
  /** Whether rows must get the same bits in every batch. */
  readonly exact: ExactOption;
}

/** What of a registry is served. */
export interface ServedRegistry {
  /** Null: that of the environment. */
  readonly uri: string | null;
  /** The first of a name answers where neither version nor label is named. */
  readonly serve: readonly ModelRef[];
  readonly pollMs: number;
  /** How long a version that no entry names any more stays loaded. */
  readonly keepMs: number;
}

export interface BatcherConfig {
  readonly maxBatchRows: number;
  readonly maxQueueDelayMicros: number;
  readonly maxQueueRows: number;
  readonly deadlineMs: number;
}

export interface ServeLimits {
  readonly bodyBytes: number;
  /** Rows with features in one request. */
  readonly rows: number;
  /** Keys in one request. */
  readonly keys: number;
  readonly depth: number;
  readonly stringBytes: number;
  readonly headerBytes: number;
  readonly headerTimeMs: number;
  readonly requestTimeMs: number;
  readonly idleTimeMs: number;
  readonly connections: number;
  /** Requests in work; more are answered with 503. */
  readonly inFlight: number;
  /** Work that may wait for the event loop, in milliseconds of its CPU time; what comes on top is answered with 503. */
  readonly queueTimeMs: number;
  readonly lookupTimeMs: number;
  readonly loopDelayMs: number;
}
