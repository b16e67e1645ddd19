import type { InferAnswer, InferRequest } from '../../base/contract/live-model.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { ChurnSet } from '../../base/heap/churn-map.ts';
import { type BatchAxis, findBatchAxis } from '../../model/elements/batch-axis.ts';
import type { LiveLaunch, LiveProcess, ScoredBatch } from '../child/live-process.ts';
import { LiveSeat, type SeatOptions } from '../child/live-seat.ts';
import { LiveTwin } from '../child/live-twin.ts';
import { type BatchCut, BatchQueue } from './batch-queue.ts';
import { checkRequest, type FittingRequest } from './check-request.ts';
import { emptyAnswer } from './empty-answer.ts';
import type { InferenceEvents, ModelStats } from './inference-events.ts';
import { joinFeeds } from './join-feeds.ts';
import { cancelled, tooLate, unavailable } from './live-errors.ts';
import { Ticket } from './ticket.ts';

export interface BatcherOptions {
  /** Rows of one batch at most. Models with a fixed batch have their own. */
  readonly maxBatchRows: number;
  /** How long a batch that is not full waits for more; timers have whole milliseconds. 0: what waits is a batch. */
  readonly maxQueueDelayMicros: number;
  readonly maxQueueRows: number;
  readonly maxQueueBytes: number;
  /** A batch that takes longer counts as hung: the child is ended and started again. */
  readonly batchDeadlineMs: number;
  readonly loadDeadlineMs: number;
}

interface Loaded {
  readonly info: ModelInfo;
  readonly axis: BatchAxis;
  readonly seat: LiveSeat;
  readonly twin: LiveTwin | null;
}

/** Batches in the child at once: one that is scored and one that waits in the pipe. */
const MOST_IN_CHILD = 2;

/**
 * Live inference of one loaded model: requests wait in a `BatchQueue`, go to the seat's child in batches, and every answer
 * goes to its own caller. When the child dies, whatever waits fails at once; nothing is tried again.
 */
export class LiveScorer {
  readonly info: ModelInfo;
  readonly axis: BatchAxis;
  private readonly name: string;
  private readonly version: string | null;
  private readonly options: BatcherOptions;
  private readonly events: InferenceEvents;
  private readonly seat: LiveSeat;
  private readonly twin: LiveTwin | null;
  private readonly queue: BatchQueue<Ticket>;
  private readonly tickets = new ChurnSet<Ticket>();
  private batchesInChild = 0;
  private pendingRows = 0;
  private isPumping = false;
  private pumpTimer: NodeJS.Timeout | null = null;
  private deadlineTimer: NodeJS.Timeout | null = null;
  private deadlineAt = Number.POSITIVE_INFINITY;

  private constructor(
    name: string,
    version: string | null,
    { info, axis, seat, twin }: Loaded,
    options: BatcherOptions,
    events: InferenceEvents,
  ) {
    this.name = name;
    this.version = version;
    this.info = info;
    this.seat = seat;
    this.options = options;
    this.events = events;
    this.axis = axis;
    this.twin = twin;
    const maxBatchRows = this.axis.fixedBatch ?? options.maxBatchRows;
    const { maxQueueRows, maxQueueBytes } = options;
    const maxDelayMs = options.maxQueueDelayMicros / 1000;
    this.queue = new BatchQueue({ maxBatchRows, maxQueueRows, maxQueueBytes, maxDelayMs });
  }

  /**
   * Starts a child for a model file and warms it up.
   *
   * Errors: MODEL_*, SCORER_DEADLINE, SCORER_CRASHED; LIVE_UNAVAILABLE when `signal` is aborted, which ends the child.
   */
  static async open(
    name: string,
    version: string | null,
    model: SeatOptions['model'],
    launch: LiveLaunch,
    options: BatcherOptions,
    events: InferenceEvents,
    signal: AbortSignal,
  ): Promise<LiveScorer> {
    let scorer: LiveScorer | null = null;
    const { maxBatchRows, loadDeadlineMs, batchDeadlineMs } = options;
    const seat = new LiveSeat(
      { launch, model, maxBatchRows, loadDeadlineMs, batchDeadlineMs },
      { onDown: (reason) => scorer?.down(reason), onUp: (ms) => events.onUp(name, version, ms) },
    );
    const onAbort = (): void => seat.close();
    signal.addEventListener('abort', onAbort);
    const { info, twin: parts } = await seat.start().finally(() => signal.removeEventListener('abort', onAbort));
    const axis = findBatchAxis(info.signature, model.where);
    const twin = parts === null ? null : await LiveTwin.open(parts, info.signature, axis);
    scorer = new LiveScorer(name, version, { info, axis, seat, twin }, options, events);
    return scorer;
  }

  /** Rows that one request may have. */
  get maxRows(): number {
    return this.options.maxQueueRows;
  }

  get stats(): ModelStats {
    const { name, version, seat, pendingRows } = this;
    const { pid, restarts, state: child } = seat;
    const rssBytes = seat.rssBytes === 0 ? 0 : seat.rssBytes + (this.twin?.bytes ?? 0);
    return { name, version, child, pid, rssBytes, restarts, pendingRows, pendingRequests: this.tickets.size };
  }

  /** As `LiveModel.infer`. */
  infer(request: InferRequest): Promise<InferAnswer> {
    return new Promise((resolve, reject) => {
      const refuse = (error: PrescoreError): void => {
        this.events.onFailure(this.name, error.code);
        reject(error);
      };
      try {
        const fitting = checkRequest(request, this.info.signature, this.axis, this.maxRows);
        if (request.rows === 0) return resolve(emptyAnswer(this.info.signature, fitting.fetches));
        if (request.signal?.aborted) return refuse(cancelled());
        const here = this.scoreHere(request, fitting);
        if (here !== null) return resolve(here);
        if (this.seat.ready === null) return refuse(unavailable(`the scorer is ${this.seat.state}`, this.name));
        const onAbort = (): void => ticket.fail(cancelled());
        const ticket = new Ticket(request, fitting, performance.now(), (_, outcome) => {
          request.signal?.removeEventListener('abort', onAbort);
          this.forget(ticket);
          if (isPrescoreError(outcome)) return refuse(outcome);
          this.events.onAnswer(this.name, { rows: request.rows, ...outcome });
          resolve(outcome);
        });
        if (!this.queue.add(ticket)) return refuse(this.overloaded());
        request.signal?.addEventListener('abort', onAbort);
        this.tickets.add(ticket);
        this.pendingRows += request.rows;
        this.watchDeadline(ticket.deadlineAt);
        if (request.isGathered === true) this.pump();
        else this.pumpSoon();
      } catch (error) {
        refuse(toPrescoreError(error));
      }
    });
  }

  // In this turn, also while the child is being started again.
  private scoreHere(request: InferRequest, { fetches }: FittingRequest): InferAnswer | null {
    if (this.twin === null || this.seat.state === 'closed') return null;
    const started = performance.now();
    const outputs = this.twin.score(request, fetches);
    if (outputs === null) return null;
    const computeMs = performance.now() - started;
    const { rows } = request;
    const answer = { outputs, failedRows: [], queueMs: 0, computeMs, batchRows: rows };
    this.events.onBatch(this.name, { rows, requests: 1, executions: 1, computeMs, failedRows: 0 });
    this.events.onAnswer(this.name, { rows, queueMs: 0, computeMs });
    return answer;
  }

  /** Ends the child. What is pending fails with LIVE_UNAVAILABLE. Repeat: safe. */
  close(): void {
    this.seat.close();
    this.failAll(unavailable('the model was unloaded', this.name));
    if (this.pumpTimer !== null) clearTimeout(this.pumpTimer);
    if (this.deadlineTimer !== null) clearTimeout(this.deadlineTimer);
  }

  // At the end of the turn, so that all requests of one turn of the event loop can share a batch.
  private pumpSoon(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      this.pump();
    });
  }

  private pump(): void {
    const process = this.seat.ready;
    while (process !== null && this.batchesInChild < MOST_IN_CHILD) {
      // Behind a batch that is being scored only a full one is sent: the others can still grow.
      if (this.batchesInChild > 0 && !this.queue.isFull()) return;
      const readyAt = this.queue.readyAt();
      if (readyAt === null) return;
      const now = performance.now();
      if (readyAt > now) {
        this.pumpLater(readyAt - now);
        return;
      }
      const { cuts, late } = this.queue.next(now);
      for (const ticket of late) ticket.fail(tooLate());
      if (cuts.length > 0) void this.score(process, cuts);
    }
  }

  private pumpLater(ms: number): void {
    this.pumpTimer ??= setTimeout(() => {
      this.pumpTimer = null;
      this.pump();
    }, Math.ceil(ms));
  }

  private async score(process: LiveProcess, cuts: readonly BatchCut<Ticket>[]): Promise<void> {
    const rows = cuts.reduce((sum, cut) => sum + cut.count, 0);
    const { fetches } = cuts[0]!.entry.fitting;
    this.batchesInChild++;
    try {
      const scored = await process.score(
        rows,
        fetches,
        joinFeeds(this.info.signature, this.axis, cuts, rows),
        this.options.batchDeadlineMs,
      );
      this.batchesInChild--;
      this.pump();
      this.hand(scored, cuts, rows);
    } catch (error) {
      this.batchesInChild--;
      const reason = toPrescoreError(error);
      const own = reason.code.startsWith('SCORER_') ? unavailable(reason.details.what, this.name) : reason;
      for (const { entry } of cuts) entry.fail(own);
      this.pumpSoon();
    }
  }

  private hand(scored: ScoredBatch, cuts: readonly BatchCut<Ticket>[], rows: number): void {
    const now = performance.now();
    const { executions, computeMs, failed } = scored;
    const figures = { rows, requests: cuts.length, executions, computeMs, failedRows: failed.length };
    this.events.onBatch(this.name, figures);
    let at = 0;
    for (const { entry, from, count } of cuts) {
      entry.take(scored, rows, at, from, count, now);
      at += count;
    }
  }

  private down(reason: PrescoreError): void {
    this.events.onDown(this.name, this.version, reason.message);
    this.failAll(unavailable(reason.details.what, this.name));
  }

  private failAll(error: PrescoreError): void {
    this.queue.clear();
    for (const ticket of [...this.tickets]) ticket.fail(error);
  }

  private forget(ticket: Ticket): void {
    this.queue.remove(ticket);
    this.tickets.delete(ticket);
    this.pendingRows -= ticket.rows;
  }

  // One timer, for the earliest deadline of all: nobody waits longer than his deadline, whatever the child does.
  private watchDeadline(at: number): void {
    if (at >= this.deadlineAt) return;
    if (this.deadlineTimer !== null) clearTimeout(this.deadlineTimer);
    this.deadlineAt = at;
    this.deadlineTimer = setTimeout(() => this.dropLate(), Math.max(1, Math.ceil(at - performance.now())));
    this.deadlineTimer.unref();
  }

  private dropLate(): void {
    const now = performance.now();
    this.deadlineAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const ticket of [...this.tickets]) {
      if (ticket.deadlineAt <= now) ticket.fail(tooLate());
      else next = Math.min(next, ticket.deadlineAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.watchDeadline(next);
  }

  private overloaded(): PrescoreError {
    const { maxQueueRows, maxQueueBytes } = this.options;
    const expected = `at most ${maxQueueRows} rows and ${maxQueueBytes} bytes`;
    const got = `${this.queue.rows} rows and ${this.queue.bytes} bytes`;
    return new PrescoreError('LIVE_OVERLOADED', {
      what: 'the queue of the model is full',
      where: this.name,
      expected,
      got,
    });
  }
}
