import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { RunEnd, RunRequest } from '../../base/contract/queue-records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { RunRequests } from '../../run/ledger/run-requests.ts';
import { ChunkOrder } from './chunk-order.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** How long what was read of a run is believed: a cancel is obeyed after it at the latest. Milliseconds. */
const FRESH_MS = 1_000;
const MOST_RUNS = 200;

/** A run as this process knows it. Its records decide; this saves reading them for every chunk. */
export class LiveRun {
  readonly state: string;
  readonly runId: string;
  readonly stores: StoreResolver;
  readonly requests: RunRequests;
  readonly ledger: RunLedger;
  request: RunRequest;
  end: RunEnd | null;
  /** Tasks of this run that this process works on. */
  busy = 0;
  private checkedAt = performance.now();
  private checking: Promise<boolean> | null = null;
  private readPlan: Promise<Plan | null> | null = null;
  private chunks: ChunkOrder | null = null;

  constructor(state: string, stores: StoreResolver, request: RunRequest, end: RunEnd | null) {
    this.state = state;
    this.runId = request.runId;
    this.stores = stores;
    const records = new RecordStore(stores, state);
    this.requests = new RunRequests(records);
    this.ledger = new RunLedger(records, request.runId);
    this.request = request;
    this.end = end;
  }

  /** False once the newest request has an end. Reads at most every second unless `isForced`. */
  isLive(isForced = false): Promise<boolean> {
    if (!isForced && performance.now() - this.checkedAt < FRESH_MS) return Promise.resolve(this.end === null);
    this.checking ??= this.refresh().finally(() => {
      this.checking = null;
    });
    return this.checking;
  }

  /** The plan and the order of its chunks; null before it is made. */
  async planned(): Promise<{ readonly plan: Plan; readonly order: ChunkOrder } | null> {
    this.readPlan ??= this.ledger.readPlan();
    const plan = await this.readPlan.catch((error: unknown) => {
      this.readPlan = null;
      throw error;
    });
    if (plan === null) {
      this.readPlan = null;
      return null;
    }
    this.chunks ??= new ChunkOrder(plan.chunks, this.request.window);
    return { plan, order: this.chunks };
  }

  private async refresh(): Promise<boolean> {
    const { k } = this.request;
    const newer = await this.requests.newest(this.runId, k + 1);
    if (newer !== null) ({ request: this.request, end: this.end } = newer);
    else this.end ??= await this.requests.end(this.runId, k);
    this.checkedAt = performance.now();
    return this.end === null;
  }
}

/** The runs that this process had to do with last. */
export class LiveRuns {
  private readonly deps: Pick<WorkerDeps, 'openStores'>;
  private readonly runs = new Map<string, LiveRun>();
  private readonly resolvers = new Map<string, StoreResolver>();

  constructor(deps: Pick<WorkerDeps, 'openStores'>) {
    this.deps = deps;
  }

  /** The run of a task; null when nobody asked for it. Errors: STATE_REFUSED when its job keeps its state elsewhere. */
  async get(state: string, runId: string): Promise<LiveRun | null> {
    const key = `${state} ${runId}`;
    const known = this.runs.get(key);
    if (known !== undefined) {
      this.runs.delete(key);
      this.runs.set(key, known);
      return known;
    }
    const found = await this.requestsOf(state).newest(runId);
    if (found === null) return null;
    const { request, end } = found;
    if (request.job.state.replace(/\/+$/, '') !== state) {
      const what = 'the request of a run names another state than the one it lies in';
      throw new PrescoreError('STATE_REFUSED', { what, where: state, got: request.job.state });
    }
    const run = new LiveRun(state, this.storesOf(request.job.stores), request, end);
    this.runs.set(key, run);
    for (const [old, { busy }] of this.runs) {
      if (this.runs.size <= MOST_RUNS) break;
      if (busy === 0) this.runs.delete(old);
    }
    return run;
  }

  /** Requests below a state, with the stores that this process was told of. */
  requestsOf(state: string): RunRequests {
    return new RunRequests(new RecordStore(this.resolver(null), state));
  }

  /** A job without stores of its own uses those that this process was told of. */
  storesOf(blocks: RunRequest['job']['stores']): StoreResolver {
    return this.resolver(Object.keys(blocks).length === 0 ? null : blocks);
  }

  /** Looks which runs that are worked on have ended meanwhile. Errors of the store are left to the work itself. */
  async endedWhileBusy(): Promise<LiveRun[]> {
    const busy = [...this.runs.values()].filter((run) => run.busy > 0);
    const live = await Promise.all(busy.map((run) => run.isLive().catch(() => true)));
    return busy.filter((_, i) => !live[i]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.resolvers.values()].map((stores) => stores.close()));
  }

  private resolver(blocks: RunRequest['job']['stores'] | null): StoreResolver {
    const key = JSON.stringify(blocks);
    const known = this.resolvers.get(key);
    if (known !== undefined) return known;
    const stores = this.deps.openStores(blocks);
    this.resolvers.set(key, stores);
    return stores;
  }
}
