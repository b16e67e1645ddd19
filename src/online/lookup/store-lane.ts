import type { PredictionStore } from '../../base/contract/prediction-set.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { Deadline } from '../../sets/redis/deadline.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { BulkGate } from './bulk-gate.ts';

const FAILURES = 3;
const FIRST_PROBE_MS = 100;
const LONGEST_PROBE_MS = 500;

export interface LaneOptions {
  /** For messages and metrics. */
  readonly url: string;
  /** Opens a connection that is used for nothing else. May fail while the store is away; it is tried again. */
  readonly open: () => Promise<PredictionStore>;
  /** No lookup takes longer. */
  readonly limitMs: number;
  readonly onState: (state: BreakerState) => void;
}

/**
 * The way to one prediction store: every use ends within the limit, and none is tried while the breaker is open. A store that is
 * away at the start is opened when it comes.
 */
export class StoreLane {
  readonly url: string;
  readonly breaker: Breaker;
  /** For lookups of many keys. */
  readonly gate = new BulkGate();
  private readonly options: LaneOptions;
  private readonly deadline: Deadline;
  private store: PredictionStore | null = null;
  private opening: Promise<PredictionStore> | null = null;
  private isClosed = false;

  constructor(options: LaneOptions) {
    this.options = options;
    this.url = options.url;
    this.deadline = new Deadline(options.limitMs, options.url);
    this.breaker = new Breaker({
      failures: FAILURES,
      firstMs: FIRST_PROBE_MS,
      longestMs: LONGEST_PROBE_MS,
      probe: () => this.deadline.within(this.probe()),
      onChange: options.onState,
    });
  }

  /** Does something with the store. Errors: those of the task; PREDICTIONS_UNAVAILABLE at once while the breaker is open. */
  async use<T>(task: (store: PredictionStore) => Promise<T>): Promise<T> {
    if (this.breaker.state !== 'closed')
      throw new PrescoreError('PREDICTIONS_UNAVAILABLE', { what: 'the breaker is open', where: this.url });
    try {
      const { store } = this;
      const result = await this.deadline.within(store === null ? this.opened().then(task) : task(store));
      this.breaker.succeeded();
      return result;
    } catch (error) {
      if (isPrescoreError(error) && error.code.startsWith('PREDICTIONS_')) this.breaker.fail();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.breaker.close();
    this.deadline.close();
    await this.store?.close();
  }

  private async probe(): Promise<void> {
    const store = await this.opened();
    await store.readPointer('probe');
  }

  private opened(): Promise<PredictionStore> {
    if (this.store !== null) return Promise.resolve(this.store);
    this.opening ??= this.options
      .open()
      .then((store) => {
        this.store = store;
        if (this.isClosed) void store.close();
        return store;
      })
      .finally(() => {
        this.opening = null;
      });
    return this.opening;
  }
}
