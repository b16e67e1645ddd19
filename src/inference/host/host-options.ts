import type { ExactOption } from '../../base/contract/exact.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { LiveLaunch } from '../child/live-process.ts';
import { type InferenceEvents, SILENT } from './inference-events.ts';
import type { BatcherOptions } from './live-scorer.ts';
import type { RegistryWish } from './registry-sync.ts';

/** What a model host is given. What is left out has the default of `HOST_DEFAULTS`. */
export interface HostOptions {
  readonly launch: LiveLaunch;
  /** A folder of this process for copies of models. Owns: the caller, who removes it after `close`. */
  readonly scratchDir: string;
  /** The model folder or prefix; null: only models that are given by `addModel`. */
  readonly folder: Location | null;
  /** What of a registry is served; null or left out: nothing. */
  readonly registry?: RegistryWish | null;
  /** `name` (its newest version) or `name/version`: loaded at start, never unloaded for idleness or memory. */
  readonly pinned?: readonly string[];
  /** Serve models without a digest file. */
  readonly allowUnpinned?: boolean;
  /** Null: never. */
  readonly idleUnloadMs?: number | null;
  /** For all children together. */
  readonly memoryBytes?: number;
  /** A model that was used within this time is not unloaded to make room. */
  readonly evictIdleMs?: number;
  /** How often the folder is listed. */
  readonly pollMs?: number;
  /** Whether rows of the folder's models must get the same bits in every batch. */
  readonly exact?: ExactOption;
  readonly batcher?: Partial<BatcherOptions>;
  readonly events?: Partial<InferenceEvents>;
}

/** Options with their defaults. */
export interface HostSettings extends Required<Omit<HostOptions, 'batcher' | 'events'>> {
  readonly batcher: BatcherOptions;
  readonly events: InferenceEvents;
}

export const HOST_DEFAULTS = {
  registry: null,
  pinned: [],
  allowUnpinned: false,
  idleUnloadMs: 300_000,
  memoryBytes: 2 * 1024 ** 3,
  evictIdleMs: 1000,
  pollMs: 15_000,
  exact: 'prefer',
  batcher: {
    maxBatchRows: 256,
    maxQueueDelayMicros: 0,
    maxQueueRows: 4096,
    maxQueueBytes: 256 * 1024 ** 2,
    batchDeadlineMs: 5000,
    loadDeadlineMs: 60_000,
  },
} as const satisfies Omit<HostSettings, 'launch' | 'scratchDir' | 'folder' | 'events'>;

export function hostSettings(options: HostOptions): HostSettings {
  return {
    ...HOST_DEFAULTS,
    ...options,
    batcher: { ...HOST_DEFAULTS.batcher, ...options.batcher },
    events: { ...SILENT, ...options.events },
  };
}
