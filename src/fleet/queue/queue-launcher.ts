import type { Job, WrittenJob } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Origin } from '../../base/contract/queue-records.ts';
import type { PublishedEvent, RunEvent } from '../../base/contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../../base/contract/run-launcher.ts';
import { fromErrorJson, isPrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunRequests } from '../../run/ledger/run-requests.ts';
import { jobOfSlot, withJobOfSlot } from '../../run/pipeline/job-of-slot.ts';
import { awaitPublication, awaitRun, endError } from './await-run.ts';
import { type AskDeps, type Asked, askForPublication, askForRun, WINDOW } from './enqueue.ts';
import type { TaskQueues } from './task-queues.ts';

export interface QueueLauncherOptions extends Omit<AskDeps, 'stores'> {
  readonly openStores: (blocks: WrittenJob['stores']) => StoreResolver;
  readonly queues: TaskQueues;
  readonly allowUnpinned: boolean;
  readonly isForced: boolean;
  /** From --as-of; null for slots that carry their time. */
  readonly asOf: string | null;
  readonly window: number;
  readonly emit: (event: RunEvent) => void;
  /** The id of a run, as soon as it is asked for. */
  readonly onAsked: (runId: string, isJoined: boolean) => void;
}

/** The parts that a launcher usually has. */
export const LAUNCHER_DEFAULTS = {
  isForced: false,
  asOf: null,
  window: WINDOW,
  onAsked: () => undefined,
} as const;

/**
 * Runs slots on workers: asks for them, and follows them by their records. Ending this process ends nothing else; a `stop` whose
 * reason is RUN_CANCELLED cancels the run too. Redis is only needed for the speed of the first step.
 */
export class QueueLauncher implements RunLauncher {
  private readonly options: QueueLauncherOptions;
  private readonly resolvers = new Map<string, StoreResolver>();

  constructor(options: QueueLauncherOptions) {
    this.options = options;
  }

  async launch(request: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
    const { job, partition } = request;
    try {
      const asked = await this.ask(request);
      if (asked.kind === 'done') {
        this.options.emit(asked.done);
        return { kind: 'done', done: asked.done };
      }
      return await this.follow(job, asked.runId, request.origin, stop);
    } catch (error) {
      const known = toPrescoreError(error);
      this.options.emit({ event: 'failed', runId: null, partition, error: toErrorJson(known) });
      return { kind: 'failed', error: known };
    }
  }

  /** Asks for a slot and puts it into the queue. Errors: those of `askForRun`; none of Redis, which workers do not need. */
  async ask(request: LaunchRequest): Promise<Asked> {
    const { job, partition, logicalTime, origin, isNewRun, isIfChanged } = request;
    const { isForced, allowUnpinned, asOf, window, onAsked } = this.options;
    const slot = { job: job.name, partition, logicalTime };
    const run = { isNewRun, isIfChanged, isForced, allowUnpinned, asOf };
    const stores = this.storesOf(job);
    const settle = (): Promise<Job> => jobOfSlot(job, slot, run, stores);
    const ask = (settled: Job): Promise<Asked> =>
      askForRun(settled, slot, run, { origin, window }, { ...this.options, stores });
    const asked = await withJobOfSlot(settle, ask);
    if (asked.kind === 'asked') {
      onAsked(asked.runId, asked.isJoined);
      await this.queue(job, origin, asked.runId, 'plan');
    }
    return asked;
  }

  async publish(job: WrittenJob, stop: AbortSignal): Promise<PublishedEvent | null> {
    if (job.predictions === null) return null;
    return this.awaitPublished(job, await this.askToPublish(job, [], true, null, 'command'), stop);
  }

  /** Has the set published once, after some runs. Gives the id to wait for. */
  async askToPublish(
    job: WrittenJob,
    after: readonly string[],
    hasCommitted: boolean,
    partition: string | null,
    origin: Origin,
  ): Promise<string> {
    const { isForced } = this.options;
    const publication = { job, origin, after, hasCommitted, partition, isForced, isRebuild: false };
    const id = await askForPublication(this.requestsOf(job), publication, this.options);
    await this.queue(job, origin, id, 'publish');
    return id;
  }

  /** Errors: what publishing failed with; INTERRUPTED. */
  async awaitPublished(job: WrittenJob, id: string, stop: AbortSignal): Promise<PublishedEvent | null> {
    const end = await awaitPublication(this.requestsOf(job), id, stop);
    if (end.kind === 'failed') throw fromErrorJson(end.error);
    if (end.event !== null) this.options.emit(end.event);
    return end.event;
  }

  async close(): Promise<void> {
    await Promise.all([...this.resolvers.values()].map((stores) => stores.close()));
  }

  private async follow(job: WrittenJob, runId: string, origin: Origin, stop: AbortSignal): Promise<LaunchOutcome> {
    const requests = this.requestsOf(job);
    try {
      const again = (): Promise<void> => this.queue(job, origin, runId, 'plan');
      const end = await awaitRun(requests, runId, this.options.emit, stop, again);
      if (end.kind !== 'done') throw endError(end);
      this.options.emit(end.done);
      return { kind: 'done', done: end.done };
    } catch (error) {
      const isCancel = isPrescoreError(stop.reason) && stop.reason.code === 'RUN_CANCELLED';
      if (stop.aborted && isCancel) await cancelRun(requests, runId, this.options);
      const known = stop.aborted && isCancel ? toPrescoreError(stop.reason) : toPrescoreError(error);
      this.options.emit({ event: 'failed', runId, partition: null, error: toErrorJson(known) });
      return { kind: 'failed', error: known };
    }
  }

  private async queue(job: WrittenJob, origin: Origin, run: string, kind: 'plan' | 'publish'): Promise<void> {
    const state = job.state.replace(/\/+$/, '');
    await this.options.queues.add(origin, [{ state, run, kind, n: 0 }]).catch((error: unknown) => {
      this.options.warn(
        `the queue was not told (${toPrescoreError(error).code}); workers find the run by its records within seconds of their return`,
      );
    });
  }

  private requestsOf(job: WrittenJob): RunRequests {
    return new RunRequests(new RecordStore(this.storesOf(job), job.state));
  }

  private storesOf(job: WrittenJob): StoreResolver {
    const key = JSON.stringify(job.stores);
    const known = this.resolvers.get(key);
    if (known !== undefined) return known;
    const stores = this.options.openStores(job.stores);
    this.resolvers.set(key, stores);
    return stores;
  }
}

/** Ends a run's request; workers obey within seconds. False when it had ended before. Errors: those of the store. */
export async function cancelRun(
  requests: RunRequests,
  runId: string,
  deps: Pick<AskDeps, 'now' | 'by'>,
): Promise<boolean> {
  const newest = await requests.newest(runId);
  if (newest === null || newest.end !== null) return false;
  const { k } = newest.request;
  const endedAt = deps.now().toISOString();
  const end = await requests.finish({ format: 1, runId, k, endedAt, by: deps.by, kind: 'cancelled' });
  return end.kind === 'cancelled';
}
