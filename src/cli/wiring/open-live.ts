import type { JobScorer } from '../../base/contract/job-scorer.ts';
import { sayRowDependence } from '../../base/contract/row-dependence.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Metrics } from '../../base/telemetry/metrics.ts';
import type { InferenceEvents } from '../../inference/host/inference-events.ts';
import { type LiveModelHost, openModelHost } from '../../inference/host/model-host.ts';
import type { LabelSource } from '../../online/lookup/label-metrics.ts';
import type { ServeMetrics } from '../../online/lookup/serve-metrics.ts';
import { settleJob } from '../../run/pipeline/settle-job.ts';
import type { LoadedServe } from '../load/load-serve.ts';
import { liveLaunch } from '../processes/live-launch.ts';
import { makeScratch, removeScratch } from '../processes/scratch-folder.ts';
import { openLiveJob } from './open-job-scorer.ts';
import { createStoreResolver } from './open-store.ts';
import { servedRegistry } from './served-registry.ts';

/** The models of a server, and the live scorers of its sets. */
export interface OpenedLive {
  /** Null when neither sets nor a folder need models. */
  readonly host: LiveModelHost | null;
  /** By set name. */
  readonly scorers: ReadonlyMap<string, JobScorer>;
  /** Ends the children and removes what was fetched. */
  close(): Promise<void>;
}

export interface LiveDeps {
  readonly metrics: ServeMetrics;
  /** Where the figures of labels go. */
  readonly registryMetrics: Metrics;
  readonly log: Logger;
  readonly allowUnpinned: boolean;
}

/**
 * Opens the model folder or the registry, and loads the model of every set that has `live` in its order.
 *
 * Errors: those of `openLiveJob`, of the store of the folder and of `servedRegistry`; nothing stays open then.
 */
export async function openLive({ config, jobs }: LoadedServe, deps: LiveDeps): Promise<OpenedLive> {
  const live = [...jobs].filter(([name]) => config.sets[name]?.order.includes('live') === true);
  const { models } = config;
  if (live.length === 0 && models === null) return { host: null, scorers: new Map(), close: () => Promise.resolve() };
  const folderStores = createStoreResolver({}, { env: process.env });
  const source: LabelSource = { labels: () => host.labels(), registryAgeMs: () => host.registryAgeMs() };
  const ofRegistry = { stores: folderStores, metrics: deps.registryMetrics, log: deps.log, source };
  const registry = models === null || models.registry === null ? null : servedRegistry(models.registry, ofRegistry);
  const scratchDir = await makeScratch();
  const host: LiveModelHost = openModelHost({
    launch: liveLaunch(),
    scratchDir,
    folder: models === null || models.folder === null ? null : folderStores.at(models.folder),
    registry,
    pinned: models?.pinned ?? [],
    allowUnpinned: deps.allowUnpinned,
    batcher: config.batcher,
    events: eventsTo(deps),
    ...(models === null
      ? {}
      : {
          exact: models.exact,
          idleUnloadMs: registry === null ? models.idleUnloadMs : null,
          memoryBytes: models.memoryBytes,
        }),
  });
  const close = async (): Promise<void> => {
    await host.close();
    await folderStores.close();
    await removeScratch(scratchDir);
  };
  try {
    const scorers = new Map<string, JobScorer>();
    for (const [name, job] of live) {
      const stores = createStoreResolver(job.stores, { env: process.env });
      try {
        const scorer = await openLiveJob(await settleJob(job, stores), {
          stores,
          scratchDir,
          allowUnpinned: deps.allowUnpinned,
          addModel: (model) => host.addModel({ ...model, pinned: true }),
        });
        scorers.set(name, scorer);
      } finally {
        await stores.close();
      }
    }
    await host.settled;
    return { host, scorers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function eventsTo({
  metrics,
  log,
}: {
  readonly metrics: ServeMetrics;
  readonly log: Logger;
}): Partial<InferenceEvents> {
  return {
    onAnswer: (model, { queueMs }) => metrics.queued(model, queueMs),
    onFailure: (model, code) => metrics.failedLive(model, code),
    onBatch: (model, { rows, computeMs }) => metrics.batch(model, rows, computeMs),
    onLoad: (model, version, ms, error) => {
      if (error === null) log.info({ model, version, ms: Math.round(ms) }, 'model is ready');
      else log.error({ model, version, code: error.code, reason: error.message }, 'model cannot be loaded');
    },
    onDependence: (model, version, dependence) =>
      log.warn({ model, version, dependence }, sayRowDependence(dependence)),
    onUnload: (model, version, why) => log.info({ model, version, why }, 'model is unloaded'),
    onDown: (model, version, reason) => {
      metrics.childDied(model);
      log.error({ model, version, reason }, 'scorer of a model is down');
    },
    onUp: (model, version, recoveryMs) =>
      log.info({ model, version, recoveryMs: Math.round(recoveryMs) }, 'scorer of a model is back'),
  };
}
