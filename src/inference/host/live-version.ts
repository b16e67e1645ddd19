import type { InferAnswer, InferRequest, LiveModel, ModelVersionState } from '../../base/contract/live-model.ts';
import type { RowDependence } from '../../base/contract/row-dependence.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { LiveLaunch } from '../child/live-process.ts';
import type { InferenceEvents, ModelStats, UnloadReason } from './inference-events.ts';
import { forRequest, loadFailure } from './live-errors.ts';
import { type BatcherOptions, LiveScorer } from './live-scorer.ts';
import type { ExactWish, VersionSource } from './version-source.ts';

export interface VersionDeps {
  readonly launch: LiveLaunch;
  readonly batcher: BatcherOptions;
  readonly events: InferenceEvents;
  readonly exact: ExactWish;
  /** Waits until there is memory for a version. Errors: LIVE_OVERLOADED. */
  readonly makeRoom: (version: LiveVersion) => Promise<void>;
}

/** What a child needs beside its model, and for each byte of it: measured, docs/decisions/live-scorer.md. */
const CHILD_BYTES = 110 * 1024 * 1024;
const BYTES_PER_MODEL_BYTE = 3;
/** Beyond this most of it is weights, which are there once: 1.04 to 1.09 times for a gigabyte. */
const SMALL_MODEL_BYTES = 64 * 1024 * 1024;
const BYTES_PER_WEIGHT_BYTE = 1.2;

/** How long a drained version still answers those who got hold of it before. */
const GRACE_MS = 1000;
/** How long a failed load is not tried again for a request. */
const RETRY_FAILED_MS = 60_000;
const LONGEST_DRAIN_MS = 30_000;
const DRAIN_STEP_MS = 50;

/**
 * One version of a model: unloaded, loading, ready, draining or failed. A handle stays good: a request to a version that was
 * unloaded meanwhile loads it again.
 */
export class LiveVersion implements LiveModel {
  readonly name: string;
  readonly version: string | null;
  /** Of the folder's files; changes when they are replaced. Empty for models that were given. */
  readonly token: string;
  /** A handle of it was given out for good: it is not drained when a newer version comes. */
  isHeld = false;
  /** When it was last asked for by its version, and last asked at all; ms of performance.now. */
  askedAt = Number.NEGATIVE_INFINITY;
  usedAt = performance.now();
  private failedAt = Number.NEGATIVE_INFINITY;
  readonly source: VersionSource;
  private readonly deps: VersionDeps;
  private scorer: LiveScorer | null = null;
  private loading: Promise<void> | null = null;
  private abort = new AbortController();
  private failure: PrescoreError | null = null;
  private known: { sha256: string; signature: Signature; fixedBatch: number | null } | null = null;
  private state: ModelVersionState['state'] = 'unloaded';
  private why = '';
  private drains = 0;
  private rowsWaiting = 0;
  private isDependenceTold = false;
  private readonly onAnswered = new Map<string, () => void>();
  private releasing: Promise<void> = Promise.resolve();

  constructor(name: string, version: string | null, token: string, source: VersionSource, deps: VersionDeps) {
    this.name = name;
    this.version = version;
    this.token = token;
    this.source = source;
    this.deps = deps;
  }

  get sha256(): string {
    return this.facts.sha256;
  }

  get signature(): Signature {
    return this.facts.signature;
  }

  get fixedBatch(): number | null {
    return this.facts.fixedBatch;
  }

  get maxRows(): number {
    return this.deps.batcher.maxQueueRows;
  }

  get isLoaded(): boolean {
    return this.scorer !== null;
  }

  get isLoading(): boolean {
    return this.loading !== null;
  }

  /** A load has failed a short while ago, for a reason that lies in the model. */
  get hasFailed(): boolean {
    return this.state === 'failed' && performance.now() - this.failedAt < RETRY_FAILED_MS;
  }

  /** Bytes of memory that it takes, or will take. */
  get memoryBytes(): number {
    const measured = this.scorer?.stats.rssBytes ?? 0;
    if (measured > 0) return measured;
    const { bytes } = this.source;
    const small = Math.min(bytes, SMALL_MODEL_BYTES);
    return CHILD_BYTES + BYTES_PER_MODEL_BYTE * small + BYTES_PER_WEIGHT_BYTE * (bytes - small);
  }

  get pendingRows(): number {
    return (this.scorer?.stats.pendingRows ?? 0) + this.rowsWaiting;
  }

  get stats(): ModelStats | null {
    return this.scorer?.stats ?? null;
  }

  describe(labels: readonly string[] = []): ModelVersionState {
    const { name, version, state, known } = this;
    const child = this.scorer?.stats.child ?? 'ready';
    const isBack = state !== 'ready' || child === 'ready';
    const reason = isBack ? this.reason : `the scorer died and is being started again (${child})`;
    const failure = this.failure === null ? null : loadFailure(this.failure);
    return { name, version, state: isBack ? state : 'loading', reason, failure, sha256: known?.sha256 ?? null, labels };
  }

  /** A note for the index that changes nothing else. */
  note(why: string): void {
    this.why = why;
  }

  /**
   * Loads it unless it is loaded; a drain is called off. A load that has failed is tried again after a minute, or with `force`.
   *
   * Errors: MODEL_*, LIVE_OVERLOADED, LIVE_UNAVAILABLE; those of the store. Repeat: safe.
   */
  load(force = false): Promise<void> {
    this.usedAt = performance.now();
    if (this.scorer !== null) {
      this.drains++;
      if (this.state === 'draining') this.why = '';
      this.state = 'ready';
      return Promise.resolve();
    }
    if (this.hasFailed && !force && this.failure !== null) return Promise.reject(this.failure);
    this.loading ??= this.start().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  async infer(request: InferRequest): Promise<InferAnswer> {
    this.usedAt = performance.now();
    const { scorer } = this;
    const answer = scorer !== null ? scorer.infer(request) : this.inferAfterLoad(request);
    if (this.onAnswered.size > 0) answer.then(() => this.tellAnswered()).catch(() => undefined);
    return answer;
  }

  /** Calls back once, at the next answer; the last one of a key counts. */
  atNextAnswer(key: string, tell: () => void): void {
    this.onAnswered.set(key, tell);
  }

  private tellAnswered(): void {
    const waiting = [...this.onAnswered.values()];
    this.onAnswered.clear();
    for (const tell of waiting) tell();
  }

  /** Lets what is pending end, then unloads. Until then it answers. Called off by `load`. */
  async drain(why: UnloadReason): Promise<void> {
    if (this.scorer === null) return this.unload(why);
    this.state = 'draining';
    this.why = `drained: ${why}`;
    const ticket = ++this.drains;
    const began = performance.now();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS).unref());
      if (this.drains !== ticket || this.scorer === null) return;
      const now = performance.now();
      const isQuiet = this.pendingRows === 0 && now - this.usedAt >= GRACE_MS && now - began >= GRACE_MS;
      if (isQuiet) return this.unload(why);
      // Somebody keeps using it: it stays, until it is idle.
      if (now - began >= LONGEST_DRAIN_MS) return this.load();
    }
  }

  /** Ends the child at once, or the load that goes on. Repeat: safe. */
  async unload(why: UnloadReason): Promise<void> {
    const { scorer } = this;
    this.drains++;
    this.abort.abort();
    if (scorer === null) return;
    this.scorer = null;
    this.state = 'unloaded';
    this.why = why;
    scorer.close();
    this.deps.events.onUnload(this.name, this.version, why);
    this.releasing = this.source.release();
    await this.releasing;
  }

  private get reason(): string {
    if (this.state === 'loading' && this.why === '') return 'it is being loaded';
    if (this.state !== 'unloaded' || this.failure !== null) return this.why;
    return `${this.why === '' ? 'not loaded yet' : `unloaded: ${this.why}`}; the next request for it loads it`;
  }

  private get facts(): { sha256: string; signature: Signature; fixedBatch: number | null } {
    if (this.known !== null) return this.known;
    throw new PrescoreError('INTERNAL', { what: 'a model was handed out before it was loaded', where: this.name });
  }

  private async start(): Promise<void> {
    const { name, version, deps } = this;
    const started = performance.now();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.state = 'loading';
    this.why = '';
    try {
      // A load that began while the last one's file is removed would get a path that is gone.
      await this.releasing;
      await deps.makeRoom(this);
      const file = await this.source.fetch();
      // A handle promises one set of bytes.
      const model = { ...file, ...deps.exact, sha256: this.known?.sha256 ?? file.sha256 };
      if (signal.aborted) throw new PrescoreError('LIVE_UNAVAILABLE', { what: 'the model was unloaded', where: name });
      this.scorer = await LiveScorer.open(name, version, model, deps.launch, deps.batcher, deps.events, signal);
      const { info, axis } = this.scorer;
      this.known = { sha256: info.sha256, signature: info.signature, fixedBatch: axis.fixedBatch };
      this.state = 'ready';
      this.failure = null;
      this.usedAt = performance.now();
      deps.events.onLoad(name, version, performance.now() - started, null);
      this.tellDependence(info.rowDependence);
    } catch (cause) {
      const error = loadError(toPrescoreError(cause));
      // What does not lie in the model may be over at the next request.
      this.state = error.code.startsWith('MODEL_') ? 'failed' : 'unloaded';
      this.why = error.message;
      this.failure = error;
      this.failedAt = performance.now();
      deps.events.onLoad(name, version, performance.now() - started, error);
      await this.source.release();
      throw error;
    }
  }

  private tellDependence(dependence: RowDependence | undefined): void {
    if (dependence === undefined || this.isDependenceTold) return;
    this.isDependenceTold = true;
    this.deps.events.onDependence(this.name, this.version, dependence);
  }

  // Those who wait for a load are bounded as those in the queue are, and wait no longer than their deadlines.
  private async inferAfterLoad(request: InferRequest): Promise<InferAnswer> {
    const started = performance.now();
    const { maxQueueRows } = this.deps.batcher;
    if (this.rowsWaiting + request.rows > maxQueueRows) {
      const what = 'too many rows wait for the model to be loaded';
      throw new PrescoreError('LIVE_OVERLOADED', { what, where: this.name, expected: `at most ${maxQueueRows} rows` });
    }
    this.rowsWaiting += request.rows;
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const what = 'the model was not loaded before the deadline of the request';
        timer = setTimeout(
          () => reject(new PrescoreError('LIVE_DEADLINE', { what, where: this.name })),
          request.deadlineMs,
        );
      });
      await Promise.race([forRequest(this.load()), late]);
    } finally {
      clearTimeout(timer);
      this.rowsWaiting -= request.rows;
    }
    const { scorer } = this;
    if (scorer === null)
      throw new PrescoreError('LIVE_UNAVAILABLE', { what: 'the model was unloaded', where: this.name });
    return scorer.infer({ ...request, deadlineMs: request.deadlineMs - (performance.now() - started) });
  }
}

// A model that ends or hangs its child while it is loaded is a bad model, whatever ended it.
function loadError(error: PrescoreError): PrescoreError {
  if (!error.code.startsWith('SCORER_')) return error;
  const { what, expected, got } = error.details;
  const more = { ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) };
  return new PrescoreError('MODEL_FAILED', { what: `the model could not be loaded: ${what}`, ...more, cause: error });
}
