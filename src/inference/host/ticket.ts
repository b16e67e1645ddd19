import type { InferAnswer, InferRequest, LiveTensor } from '../../base/contract/live-model.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ScoredBatch } from '../child/live-process.ts';
import { copyRows, joinRows } from '../child/tensor-data.ts';
import type { QueueEntry } from './batch-queue.ts';
import type { FittingRequest } from './check-request.ts';

interface Part {
  readonly from: number;
  readonly outputs: ReadonlyMap<string, LiveTensor>;
}

/** One caller's request on its way through queue and model, until it is settled once. */
export class Ticket implements QueueEntry {
  readonly request: InferRequest;
  readonly fitting: FittingRequest;
  readonly queuedAt: number;
  readonly deadlineAt: number;
  private readonly onSettled: (ticket: Ticket, answer: InferAnswer | PrescoreError) => void;
  private readonly parts: Part[] = [];
  private readonly failedRows: { row: number; message: string }[] = [];
  private rowsLeft: number;
  private computeMs = 0;
  private batchRows = 0;
  private settled = false;

  /** `onSettled` is called once, with the answer or the error. */
  constructor(
    request: InferRequest,
    fitting: FittingRequest,
    now: number,
    onSettled: (ticket: Ticket, answer: InferAnswer | PrescoreError) => void,
  ) {
    this.request = request;
    this.fitting = fitting;
    this.queuedAt = now;
    this.deadlineAt = now + request.deadlineMs;
    this.rowsLeft = request.rows;
    this.onSettled = onSettled;
  }

  get rows(): number {
    return this.request.rows;
  }

  get bytes(): number {
    return this.fitting.bytes;
  }

  get key(): string {
    return this.fitting.key;
  }

  get priority(): number {
    return this.request.priority;
  }

  get isSettled(): boolean {
    return this.settled;
  }

  /** Rows [from, from + count) were scored as rows [at, at + count) of a batch. */
  take(batch: ScoredBatch, batchRows: number, at: number, from: number, count: number, now: number): void {
    if (this.settled) return;
    const outputs = new Map<string, LiveTensor>();
    for (const [name, tensor] of batch.outputs) {
      outputs.set(name, count === batchRows ? tensor : copyRows(tensor, at, count));
    }
    this.parts.push({ from, outputs });
    for (const { row, message } of batch.failed) {
      if (row >= at && row < at + count) this.failedRows.push({ row: row - at + from, message });
    }
    this.computeMs += batch.computeMs;
    this.batchRows = Math.max(this.batchRows, batchRows);
    this.rowsLeft -= count;
    if (this.rowsLeft === 0) this.settle(this.answer(now));
  }

  fail(error: PrescoreError): void {
    if (!this.settled) this.settle(error);
  }

  private answer(now: number): InferAnswer {
    const { computeMs, batchRows, failedRows } = this;
    const queueMs = Math.max(0, now - this.queuedAt - computeMs);
    return { outputs: this.outputs(), failedRows, queueMs, computeMs, batchRows };
  }

  private outputs(): ReadonlyMap<string, LiveTensor> {
    const first = this.parts[0]!;
    if (this.parts.length === 1) return first.outputs;
    this.parts.sort((a, b) => a.from - b.from);
    const joined = new Map<string, LiveTensor>();
    for (const name of first.outputs.keys()) {
      joined.set(name, joinRows(this.parts.map((part) => part.outputs.get(name)!)));
    }
    return joined;
  }

  private settle(outcome: InferAnswer | PrescoreError): void {
    this.settled = true;
    this.onSettled(this, outcome);
  }
}
