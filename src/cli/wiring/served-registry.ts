import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { ServedRegistry } from '../../base/contract/serve-config.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Metrics } from '../../base/telemetry/metrics.ts';
import type { LabelEvents, LabelState } from '../../inference/host/label-events.ts';
import type { RegistryWish } from '../../inference/host/registry-sync.ts';
import { LabelMetrics, type LabelSource } from '../../online/lookup/label-metrics.ts';
import { openRegistry, registryUri } from './open-registry.ts';

export interface RegistryDeps {
  readonly stores: StoreResolver;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Asked when figures are read. */
  readonly source: LabelSource;
}

/** What a host gets to serve from a registry, which it only reads. Errors: USAGE where none is named; URI_INVALID, STORE_CONFIG. */
export function servedRegistry(served: ServedRegistry, deps: RegistryDeps): RegistryWish {
  const reader = openRegistry(registryUri(served.uri), deps.stores);
  const { serve, pollMs, keepMs } = served;
  return { reader, serve, pollMs, keepMs, events: eventsTo(reader.uri, deps) };
}

function eventsTo(registry: string, { metrics, log, source }: RegistryDeps): LabelEvents {
  const figures = new LabelMetrics(metrics, source);
  return {
    onSwitch: (model, label, from, to, move) => {
      if (from !== null) figures.switched(model, label);
      log.info({ model, label, from, to, move }, from === null ? 'label answers' : 'label has moved');
    },
    onFirstAnswer: (model, label, seconds) => {
      figures.answered(model, seconds);
      log.info({ model, label, seconds }, 'first answer since the label was moved');
    },
    onFailure: (model, label, { version, serving, error, isNew }) => {
      figures.failed(model, label, error.code);
      if (!isNew) return;
      const what =
        serving === null ? 'label has no version that answers' : 'label is not followed: the version before goes on';
      log.error({ model, label, version, serving, code: error.code, reason: error.message }, what);
    },
    onAway: (error) => {
      if (error === null) log.info({ registry }, 'registry answers again');
      else
        log.error(
          { registry, code: error.code, reason: error.message },
          'labels cannot be looked up: what is loaded goes on',
        );
    },
  };
}

/** Why a server of a registry takes no requests yet: the first of a name has nothing that answers. Without names, which not everybody may know. */
export function whyNotServed(labels: readonly LabelState[]): string | null {
  return labels.some(({ isFirst, serving }) => isFirst && serving === null) ? 'models are not loaded' : null;
}

/** What a server that takes requests has to say of its labels; null where all is well. */
export function sayLabelTrouble(labels: readonly LabelState[]): string | null {
  const count = labels.filter(({ failure }) => failure !== null).length;
  if (count === 0) return null;
  return `${count} of ${labels.length} entries of models.serve ${count === 1 ? 'is' : 'are'} not followed: metrics and the index of models say which`;
}
