import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { PublishedEvent, RunEvent } from '../../base/contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../../base/contract/run-launcher.ts';
import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { RunDeps } from '../../run/pipeline/run-deps.ts';
import { runSlot } from '../../run/pipeline/run-slot.ts';
import { JobScorers } from '../processes/scorers.ts';
import { createStoreResolver } from './open-store.ts';
import { publishAndTell } from './publish-and-tell.ts';
import { readVersions } from './versions.ts';
import { whyWaiting } from './waiting-input.ts';

/** Jobs whose scorers are there at a time, as a rule: the one that runs, and the one before or after it. */
const JOBS_AT_ONCE = 2;
/** Scorers of a job stay this long after its last run: the next slot of a catch-up needs them at once. */
const IDLE_MS = 5000;

export interface EmbeddedOptions {
  readonly allowUnpinned: boolean;
  readonly emit: (event: RunEvent) => void;
  readonly warn: (text: string) => void;
  /** Runs that go at the same time, over all jobs; 4 by default. */
  readonly atOnce?: number;
}

/** What one job needs to run; kept while it runs, and a little longer. */
interface Workshop {
  readonly stores: StoreResolver;
  readonly scorers: JobScorers;
  users: number;
  idle: NodeJS.Timeout | null;
}

/** Runs slots in this process, as `run` does. A limited number at a time, over all jobs, in the order in which they came. */
export class EmbeddedLauncher implements RunLauncher {
  private readonly options: EmbeddedOptions;
  private readonly workshops = new Map<Job, Workshop>();
  private readonly closing = new Set<Promise<void>>();
  private readonly queue: (() => void)[] = [];
  private free: number;

  constructor(options: EmbeddedOptions) {
    this.options = options;
    this.free = options.atOnce ?? 4;
  }

  async launch(request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
    await this.enter();
    const workshop = this.open(request.job);
    try {
      return await this.run(request, workshop, stop);
    } catch (error) {
      const known = toPrescoreError(error);
      this.options.emit({
        event: 'failed',
        runId: null,
        partition: request.partition,
        error: toErrorJson(known),
      });
      return { kind: 'failed', error: known };
    } finally {
      this.leave(request.job, workshop);
    }
  }

  async publish(job: Job, stop: AbortSignal): Promise<PublishedEvent | null> {
    if (job.predictions === null) return null;
    const workshop = this.open(job);
    try {
      const how = { isForced: false, isRebuild: false, partition: null, stop };
      return await publishAndTell(job, workshop.stores, this.options.emit, how);
    } finally {
      this.release(job, workshop);
    }
  }

  /** Ends all scorers at once: for the second signal. */
  kill(): void {
    for (const { scorers } of this.workshops.values()) scorers.kill();
  }

  async close(): Promise<void> {
    for (const [job, workshop] of this.workshops) this.dismantle(job, workshop);
    await Promise.all(this.closing);
  }

  private async run(request: LaunchRequest, workshop: Workshop, stop: AbortSignal): Promise<LaunchOutcome> {
    const { job, partition, logicalTime, isNewRun, isIfChanged } = request;
    const { stores, scorers } = workshop;
    const slot = { job: job.name, partition, logicalTime };
    const why = await whyWaiting(request, stores);
    if (why !== null) return { kind: 'waiting', why };
    const { allowUnpinned, emit, warn } = this.options;
    const deps: RunDeps = {
      stores,
      versions: readVersions(),
      scorers: () => scorers.load(),
      emit,
      warn: (text) => warn(`${job.name}: ${text}`),
      stop,
      now: () => new Date(),
      keepsCertificates: true,
    };
    const options = { isNewRun, isIfChanged, isForced: false, allowUnpinned, asOf: null };
    const done = await runSlot(job, slot, options, deps);
    emit(done);
    return { kind: 'done', done };
  }

  private open(job: Job): Workshop {
    const known = this.workshops.get(job);
    if (known !== undefined) {
      if (known.idle !== null) clearTimeout(known.idle);
      known.idle = null;
      known.users++;
      return known;
    }
    const stores = createStoreResolver(job.stores, { env: process.env });
    const { allowUnpinned, warn } = this.options;
    const scorers = new JobScorers(job, stores, allowUnpinned, (text) => warn(`${job.name}: ${text}`), JOBS_AT_ONCE);
    const workshop: Workshop = { stores, scorers, users: 1, idle: null };
    this.workshops.set(job, workshop);
    return workshop;
  }

  private release(job: Job, workshop: Workshop): void {
    workshop.users--;
    if (workshop.users === 0) workshop.idle = setTimeout(() => this.dismantle(job, workshop), IDLE_MS);
  }

  private dismantle(job: Job, workshop: Workshop): void {
    if (workshop.idle !== null) clearTimeout(workshop.idle);
    this.workshops.delete(job);
    const closed = workshop.scorers
      .close()
      .then(() => workshop.stores.close())
      .catch((error: unknown) => this.options.warn(`${job.name}: ${toPrescoreError(error).message}`))
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  private leave(job: Job, workshop: Workshop): void {
    this.release(job, workshop);
    const next = this.queue.shift();
    if (next === undefined) this.free++;
    else next();
  }
}
