import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ActiveMark } from '../../run/ledger/run-requests.ts';
import type { KnownStates } from './known-states.ts';
import type { LiveRuns } from './live-runs.ts';
import { PREFIX, type QueueRedis } from './queue-redis.ts';
import { stateDigest } from './task.ts';
import type { TaskQueues } from './task-queues.ts';
import type { TaskRunner } from './task-runner.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Milliseconds between looks at a state; longer when a look takes long. */
export const RECONCILE_MS = 5_000;
const IN_FLIGHT = 8;

export interface ReconcilerParts {
  readonly states: KnownStates;
  readonly runs: LiveRuns;
  readonly runner: TaskRunner;
  readonly queues: TaskQueues;
  readonly redis: QueueRedis;
  readonly everyMs: number;
}

/**
 * Compares live runs with the queue: every task without a record is put into it again, which changes nothing where it is in it
 * already. So an emptied, replaced or restarted Redis costs a few seconds, and no fault of a queue can lose work. A short lock
 * in Redis keeps workers from all looking at once; without it they would only do the same twice.
 */
export class Reconciler {
  private readonly parts: ReconcilerParts;
  private readonly deps: Pick<WorkerDeps, 'log' | 'worker'>;
  private isStopped = false;
  private timer: NodeJS.Timeout | null = null;
  private going: Promise<void> = Promise.resolve();

  constructor(parts: ReconcilerParts, deps: Pick<WorkerDeps, 'log' | 'worker'>) {
    this.parts = parts;
    this.deps = deps;
  }

  start(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.going;
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.going = this.pass();
    }, delayMs);
  }

  private async pass(): Promise<void> {
    const started = performance.now();
    for (const state of this.parts.states.all) {
      try {
        if (!this.isStopped && (await this.isOurTurn(state))) await this.look(state);
      } catch (error) {
        const { code, message } = toPrescoreError(error);
        this.deps.log.warn({ state, code }, message);
      }
    }
    // A look must not become the main work of a store with very many runs.
    this.schedule(Math.max(this.parts.everyMs, 4 * (performance.now() - started)));
  }

  private async isOurTurn(state: string): Promise<boolean> {
    const key = `${PREFIX}:reconciler:${stateDigest(state)}`;
    const ms = String(Math.max(100, Math.round(this.parts.everyMs * 0.9)));
    return (await this.parts.redis.connection.call(['SET', key, this.deps.worker, 'NX', 'PX', ms])) !== null;
  }

  private async look(state: string): Promise<void> {
    const marks: ActiveMark[] = [];
    for await (const mark of this.parts.runs.requestsOf(state).marks()) marks.push(mark);
    const lane = async (): Promise<void> => {
      for (let mark = marks.pop(); mark !== undefined && !this.isStopped; mark = marks.pop()) {
        try {
          await this.restore(state, mark);
        } catch (error) {
          const { code, message } = toPrescoreError(error);
          this.deps.log.warn({ state, mark, code }, message);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, marks.length) }, lane));
  }

  private async restore(state: string, mark: ActiveMark): Promise<void> {
    const { runs, queues, runner } = this.parts;
    const requests = runs.requestsOf(state);
    if (mark.kind === 'publication') {
      const publication = await requests.publication(mark.id);
      if ((await requests.publicationEnd(mark.id)) !== null) await requests.unmark(mark);
      else if (publication !== null)
        await queues.add(publication.origin, [{ state, run: mark.id, kind: 'publish', n: 0 }]);
      return;
    }
    const run = await runs.get(state, mark.runId);
    // Marked a moment before its request is written; what is never written is no request, and costs one name.
    if (run === null) return;
    const isLive = await run.isLive();
    if (run.request.k > mark.k || (!isLive && run.request.k === mark.k)) {
      await requests.unmark(mark);
      return;
    }
    if (!isLive) return;
    if ((await run.planned()) === null)
      await queues.add(run.request.origin, [{ state, run: mark.runId, kind: 'plan', n: 0 }]);
    else await runner.feed(run);
  }
}
