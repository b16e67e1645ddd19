import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { LoadedScorers } from '../../run/pipeline/run-deps.ts';
import { runContext } from '../../run/pipeline/score-run.ts';
import type { ScorerHandle, WorkerDeps } from './worker-deps.ts';

/** How long a task waits for the scorers of another job before those who use the loaded ones stand behind it. */
const PATIENCE_MS = 5_000;
/** Children keep a little of every run that they were told of; after so many they are replaced. */
const MOST_RUNS = 200;

interface Entry {
  readonly key: string;
  readonly handle: ScorerHandle;
  readonly bound: Set<string>;
  users: number;
  usedAt: number;
  /** Lent to nobody any more; ended when the last user gives it back. */
  isRetired: boolean;
  /** Its children are gone for good: a chunk handed to them would never come back. */
  isBroken: boolean;
}

interface Waiter {
  readonly key: string;
  readonly since: number;
  readonly open: () => ScorerHandle;
  readonly grant: (entry: Entry) => void;
}

/** Scorers that are lent. Give them back with `release`. */
export interface BorrowedScorers extends LoadedScorers {
  /** Makes a run known to the children, once. */
  bind(plan: Plan): void;
  /** To be told when somebody else unbound it. */
  forget(runId: string): void;
  /** The children failed beyond repair: nobody gets them again. */
  retire(): void;
  release(): void;
}

/**
 * The scorers of the jobs that were used last: at most `room` of them at a time, because each takes the memory that its job
 * allows. A task for one more waits until one is idle; after a while new users of the loaded ones wait behind it.
 */
export class ScorerCache {
  private readonly deps: Pick<WorkerDeps, 'openScorers' | 'log'>;
  private readonly room: number;
  private readonly entries: Entry[] = [];
  private readonly waiters: Waiter[] = [];
  private isClosed = false;

  constructor(room: number, deps: Pick<WorkerDeps, 'openScorers' | 'log'>) {
    this.room = room;
    this.deps = deps;
  }

  /** Errors: those of loading (MEMORY_TOO_SMALL, MODEL_*); INTERRUPTED after `interrupt`. */
  async borrow(job: Job, stores: StoreResolver, allowUnpinned: boolean): Promise<BorrowedScorers> {
    const key = JSON.stringify([job.model, job.stores, job.execution, allowUnpinned]);
    const open = (): ScorerHandle => this.deps.openScorers(job, stores, allowUnpinned);
    const entry = await new Promise<Entry>((grant) => {
      this.waiters.push({ key, since: performance.now(), open, grant });
      this.pump();
    });
    try {
      return this.lend(entry, await entry.handle.load());
    } catch (error) {
      entry.isRetired = true;
      this.giveBack(entry);
      throw error;
    }
  }

  /** Drops what no child has begun, of one run or of all; what is in the children goes on. */
  abandon(reason: PrescoreError, runId?: string): void {
    for (const { handle } of this.entries) {
      void handle.load().then(
        ({ pool }) => pool.abandonQueued(reason, runId),
        () => undefined,
      );
    }
  }

  /** Ends idle scorers, and the others when they are given back. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.entries.map(({ handle }) => handle.close()));
  }

  kill(): void {
    this.isClosed = true;
    for (const { handle } of this.entries) handle.kill();
  }

  private lend(entry: Entry, { pool, model }: LoadedScorers): BorrowedScorers {
    let isOut = true;
    return {
      pool,
      model,
      bind: (plan) => {
        if (entry.isBroken)
          throw new PrescoreError('SCORER_CRASHED', { what: 'the scorers were ended', where: plan.runId });
        if (entry.bound.has(plan.runId)) return;
        entry.bound.add(plan.runId);
        pool.bind(runContext(plan));
        if (entry.bound.size >= MOST_RUNS) entry.isRetired = true;
      },
      forget: (runId) => void entry.bound.delete(runId),
      retire: () => {
        entry.isRetired = true;
        entry.isBroken = true;
      },
      release: () => {
        if (isOut) this.giveBack(entry);
        isOut = false;
      },
    };
  }

  private giveBack(entry: Entry): void {
    entry.users--;
    entry.usedAt = performance.now();
    if (entry.isRetired && entry.users === 0) this.end(entry);
    this.pump();
  }

  private pump(): void {
    if (this.isClosed) return;
    for (let i = 0; i < this.waiters.length; ) {
      const waiter = this.waiters[i]!;
      const isBehind = i > 0 && performance.now() - this.waiters[0]!.since > PATIENCE_MS;
      const entry = isBehind ? null : this.entryFor(waiter);
      if (entry === null) {
        i++;
        continue;
      }
      this.waiters.splice(i, 1);
      entry.users++;
      entry.usedAt = performance.now();
      waiter.grant(entry);
    }
  }

  private entryFor(waiter: Waiter): Entry | null {
    const loaded = this.entries.find((entry) => entry.key === waiter.key && !entry.isRetired);
    if (loaded !== undefined) return loaded;
    if (this.entries.length >= this.room) {
      const idle = this.entries.filter((entry) => entry.users === 0).sort((a, b) => a.usedAt - b.usedAt)[0];
      if (idle === undefined) return null;
      this.end(idle);
    }
    const { key } = waiter;
    const fresh = { users: 0, usedAt: 0, isRetired: false, isBroken: false };
    const made: Entry = { key, handle: waiter.open(), bound: new Set<string>(), ...fresh };
    this.entries.push(made);
    return made;
  }

  private end(entry: Entry): void {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.entries.splice(at, 1);
    entry.handle.close().catch((error: unknown) => this.deps.log.warn({ err: error }, 'scorers did not end well'));
  }
}
