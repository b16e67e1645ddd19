import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Versions } from '../../base/contract/plan.ts';
import type { RunEnd, RunRequest } from '../../base/contract/queue-records.ts';
import type { PublishedEvent } from '../../base/contract/run-events.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';

/** What a worker is given from outside; built by the command line. */
export interface WorkerDeps {
  /** Stores of a job's `stores:` block; null: those that the worker itself was told of. */
  readonly openStores: (blocks: Job['stores'] | null) => StoreResolver;
  readonly openScorers: (job: Job, stores: StoreResolver, allowUnpinned: boolean) => ScorerHandle;
  /** Publishes from what is committed, in a process of its own; null when nothing is. */
  readonly publish: (job: WrittenJob, stores: StoreResolver, how: PublishHow) => Promise<PublishedEvent | null>;
  /** Told once of each run that this worker has ended. */
  readonly onEnded: (request: RunRequest, end: RunEnd) => void;
  readonly versions: Versions;
  readonly now: () => Date;
  /** `host:pid`, or what --name says. */
  readonly worker: string;
  readonly log: Logger;
}

/** The scorers of one job: started on first use, ended by `close`, or by `kill` at once. */
export interface ScorerHandle {
  load(): Promise<LoadedScorers>;
  close(): Promise<void>;
  kill(): void;
}

export interface PublishHow {
  readonly isForced: boolean;
  readonly isRebuild: boolean;
  readonly partition: string | null;
  readonly stop: AbortSignal;
}
