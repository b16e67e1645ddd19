import type { Job } from '../contract/job.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import type { PublishedEvent, RunEvent } from '../contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../contract/run-launcher.ts';
import { toErrorJson, toPrescoreError } from '../errors/prescore-error.ts';
import { createStoreResolver } from '../object-store/open-store.ts';
import { runSlot } from '../pipeline/run-slot.ts';
import { publishAndTell } from './publish-command.ts';
import { JobScorers } from './scorers.ts';
import { readVersions } from './versions.ts';

export interface EmbeddedOptions {
  readonly allowUnpinned: boolean;
  readonly emit: (event: RunEvent) => void;
  readonly warn: (text: string) => void;
}

interface Workshop {
  readonly stores: StoreResolver;
  readonly scorers: JobScorers;
}

/** Runs slots in this process. The scorers of a job are started with its first run and kept for the next ones. */
export class EmbeddedLauncher implements RunLauncher {
  private readonly options: EmbeddedOptions;
  private readonly workshops = new Map<Job, Workshop>();

  constructor(options: EmbeddedOptions) {
    this.options = options;
  }

  async launch(request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
    const { job, partition, logicalTime, isNewRun, isIfChanged } = request;
    const { allowUnpinned, emit, warn } = this.options;
    try {
      const { stores, scorers } = this.workshop(job);
      const done = await runSlot(
        job,
        { job: job.name, partition, logicalTime },
        { isNewRun, isIfChanged, isForced: false, allowUnpinned, asOf: null },
        { stores, versions: readVersions(), scorers: () => scorers.load(), emit, warn, stop, now: () => new Date() },
      );
      emit(done);
      return { kind: 'done', done };
    } catch (error) {
      const known = toPrescoreError(error);
      emit({ event: 'failed', runId: null, partition, error: toErrorJson(known) });
      return { kind: 'failed', error: known };
    }
  }

  publish(job: Job, stop: AbortSignal): Promise<PublishedEvent | null> {
    if (job.predictions === null) return Promise.resolve(null);
    const how = { isForced: false, isRebuild: false, partition: null, stop };
    return publishAndTell(job, this.workshop(job).stores, this.options.emit, how);
  }

  /** Ends the scorers at once: for the second signal. */
  kill(): void {
    for (const { scorers } of this.workshops.values()) scorers.kill();
  }

  async close(): Promise<void> {
    for (const { scorers, stores } of this.workshops.values()) {
      await scorers.close();
      await stores.close();
    }
    this.workshops.clear();
  }

  private workshop(job: Job): Workshop {
    const known = this.workshops.get(job);
    if (known !== undefined) return known;
    const stores = createStoreResolver(job.stores, { env: process.env });
    const made = { stores, scorers: new JobScorers(job, stores, this.options.allowUnpinned, this.options.warn) };
    this.workshops.set(job, made);
    return made;
  }
}
