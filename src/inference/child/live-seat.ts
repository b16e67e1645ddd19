import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { findBatchAxis } from '../../model/elements/batch-axis.ts';
import type { LiveModelFile } from './live-messages.ts';
import { type LiveLaunch, LiveProcess, type LoadedChild } from './live-process.ts';
import { warmUpFeeds, warmUpRows } from './warm-up.ts';

export interface SeatOptions {
  readonly launch: LiveLaunch;
  readonly model: Omit<LiveModelFile, 'mostRows' | 'wantsTwin'>;
  readonly maxBatchRows: number;
  /** For loading and warming up together, and for every batch afterwards. */
  readonly loadDeadlineMs: number;
  readonly batchDeadlineMs: number;
}

export interface SeatEvents {
  /** The child has died or was ended; another one is being started. */
  onDown(reason: PrescoreError): void;
  /** A restarted child is ready, so many ms after the death of the last. */
  onUp(recoveryMs: number): void;
}

export type SeatState = 'starting' | 'ready' | 'waiting' | 'closed';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 10_000;
/** A child that lived this long starts the backoff anew. */
const STABLE_MS = 10_000;

/**
 * Keeps one live scorer child running: starts it, warms it up, and starts it again when it has died, after 50 ms at first
 * and twice as long after each death up to 10 s.
 */
export class LiveSeat {
  private readonly options: SeatOptions;
  private readonly events: SeatEvents;
  private process: LiveProcess | null = null;
  private current: SeatState = 'starting';
  private readySince = 0;
  private waitMs = FIRST_WAIT_MS;
  private restarted = 0;
  private timer: NodeJS.Timeout | null = null;
  /** What the first child has found of the model, and whether its twin was taken: the next ones need not look. */
  private found: Pick<LiveModelFile, 'exact' | 'policy' | 'wantsTwin'> | null = null;

  constructor(options: SeatOptions, events: SeatEvents) {
    this.options = options;
    this.events = events;
  }

  get state(): SeatState {
    return this.current;
  }

  /** Children started after the first. */
  get restarts(): number {
    return this.restarted;
  }

  get pid(): number | null {
    return this.process?.pid ?? null;
  }

  get rssBytes(): number {
    return this.process?.rssBytes ?? 0;
  }

  /** The child, when it is ready. */
  get ready(): LiveProcess | null {
    return this.current === 'ready' ? this.process : null;
  }

  /** Starts the first child. Errors: MODEL_*, SCORER_DEADLINE, SCORER_CRASHED; the seat is closed then. */
  async start(): Promise<LoadedChild> {
    try {
      return await this.startChild();
    } catch (error) {
      this.close();
      throw toPrescoreError(error);
    }
  }

  /** Ends the child, with SIGKILL: ONNX Runtime can abort while a process leaves by itself. Repeat: safe. */
  close(): void {
    this.current = 'closed';
    if (this.timer !== null) clearTimeout(this.timer);
    this.process?.kill(new PrescoreError('LIVE_UNAVAILABLE', { what: 'the model was unloaded' }));
    this.process = null;
  }

  private async startChild(): Promise<LoadedChild> {
    const { launch, model, loadDeadlineMs } = this.options;
    this.current = 'starting';
    const process = new LiveProcess(launch, (reason) => this.ended(process, reason));
    this.process = process;
    const started = performance.now();
    const mostRows = this.options.maxBatchRows;
    const loaded = await process.load({ ...model, wantsTwin: true, ...this.found, mostRows }, loadDeadlineMs);
    const { policy = null } = loaded.info;
    this.found = { exact: policy === null ? 'off' : model.exact, policy, wantsTwin: false };
    await this.warmUp(process, loaded.info, started);
    if (this.process !== process) throw new PrescoreError('LIVE_UNAVAILABLE', { what: 'the model was unloaded' });
    this.current = 'ready';
    this.readySince = performance.now();
    return loaded;
  }

  // The first batch of a size is slow: buffers are planned and code is compiled. Zeros may be refused by the model: no matter.
  private async warmUp(process: LiveProcess, { signature }: ModelInfo, started: number): Promise<void> {
    const axis = findBatchAxis(signature, this.options.model.where);
    for (const rows of warmUpRows(axis, this.options.maxBatchRows)) {
      const feeds = warmUpFeeds(signature, axis, rows);
      if (feeds === null) continue;
      const left = Math.max(1, Math.ceil(this.options.loadDeadlineMs - (performance.now() - started)));
      await process.score(rows, null, feeds, left).catch((error: unknown) => {
        const { code } = toPrescoreError(error);
        if (code !== 'MODEL_FAILED' && code !== 'MODEL_OUTPUT_SHAPE') throw error;
      });
    }
  }

  private ended(process: LiveProcess, reason: PrescoreError): void {
    if (this.process !== process || this.current !== 'ready') return;
    const lived = performance.now() - this.readySince;
    if (lived >= STABLE_MS) this.waitMs = FIRST_WAIT_MS;
    this.process = null;
    this.current = 'waiting';
    this.events.onDown(reason);
    this.restartLater(performance.now());
  }

  private restartLater(diedAt: number): void {
    const wait = this.waitMs;
    this.waitMs = Math.min(LONGEST_WAIT_MS, wait * 2);
    this.current = 'waiting';
    this.timer = setTimeout(() => {
      this.restarted++;
      this.startChild().then(
        () => this.events.onUp(performance.now() - diedAt),
        (error: unknown) => {
          if (this.current === 'closed') return;
          this.process?.kill(toPrescoreError(error));
          this.process = null;
          this.restartLater(diedAt);
        },
      );
    }, wait);
    this.timer.unref();
  }
}
