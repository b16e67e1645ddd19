import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { PublishedEvent, RunEvent } from '../../base/contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../../base/contract/run-launcher.ts';
import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { jobOfSlot, withJobOfSlot } from '../../run/pipeline/job-of-slot.ts';
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
  readonly key: string;
  /** Of the job. */
  readonly name: string;
  readonly stores: StoreResolver;
  readonly scorers: JobScorers;
  users: number;
  idle: NodeJS.Timeout | null;
}

/** Runs slots in this process, as `run` does. A limited number at a time, over all jobs, in the order in which they came. */
export class EmbeddedLauncher implements RunLauncher {
  private readonly options: EmbeddedOptions;
  private readonly workshops = new Map<string, Workshop>();
  private readonly closing = new Set<Promise<void>>();
  private readonly queue: (() => void)[] = [];
  private free: number;

  constructor(options: EmbeddedOptions) {
    this.options = options;
    this.free = options.atOnce ?? 4;
  }

  async launch(request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
    await this.enter();
    const stores = createStoreResolver(request.job.stores, { env: process.env });
    try {
      const why = await whyWaiting(request, stores);
      if (why !== null) return { kind: 'waiting', why };
      const { isNewRun } = request;
      const slot = slotOf(request);
      const settle = (): Promise<Job> => jobOfSlot(request.job, slot, { isNewRun, isForced: false }, stores);
      return await withJobOfSlot(settle, (job) => this.runAs(job, request, stop));
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
      await stores.close();
      this.leave();
    }
  }

  async publish(job: WrittenJob, stop: AbortSignal): Promise<PublishedEvent | null> {
    if (job.predictions === null) return null;
    const stores = createStoreResolver(job.stores, { env: process.env });
    try {
      const how = { isForced: false, isRebuild: false, partition: null, stop };
      return await publishAndTell(job, stores, this.options.emit, how);
    } finally {
      await stores.close();
    }
  }

  /** Ends all scorers at once: for the second signal. */
  kill(): void {
    for (const { scorers } of this.workshops.values()) scorers.kill();
  }

  async close(): Promise<void> {
    for (const workshop of this.workshops.values()) this.dismantle(workshop);
    await Promise.all(this.closing);
  }

  private async runAs(job: Job, request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
    const { isNewRun, isIfChanged } = request;
    const workshop = this.open(job);
    const { stores, scorers } = workshop;
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
    try {
      const done = await runSlot(job, slotOf(request), options, deps);
      emit(done);
      return { kind: 'done', done };
    } finally {
      this.release(workshop);
    }
  }

  private open(job: Job): Workshop {
    // By what it says: a label that still names the same version gives an equal job, not the same object.
    const key = JSON.stringify(job);
    const known = this.workshops.get(key);
    if (known !== undefined) {
      if (known.idle !== null) clearTimeout(known.idle);
      known.idle = null;
      known.users++;
      return known;
    }
    const stores = createStoreResolver(job.stores, { env: process.env });
    const { allowUnpinned, warn } = this.options;
    const scorers = new JobScorers(job, stores, allowUnpinned, (text) => warn(`${job.name}: ${text}`), JOBS_AT_ONCE);
    const workshop: Workshop = { key, name: job.name, stores, scorers, users: 1, idle: null };
    this.workshops.set(key, workshop);
    return workshop;
  }

  private release(workshop: Workshop): void {
    workshop.users--;
    if (workshop.users === 0) workshop.idle = setTimeout(() => this.dismantle(workshop), IDLE_MS);
  }

  private dismantle(workshop: Workshop): void {
    if (workshop.idle !== null) clearTimeout(workshop.idle);
    this.workshops.delete(workshop.key);
    const closed = workshop.scorers
      .close()
      .then(() => workshop.stores.close())
      .catch((error: unknown) => this.options.warn(`${workshop.name}: ${toPrescoreError(error).message}`))
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  private leave(): void {
    const next = this.queue.shift();
    if (next === undefined) this.free++;
    else next();
  }
}

function slotOf({ job, partition, logicalTime }: LaunchRequest): Slot {
  return { job: job.name, partition, logicalTime };
}
