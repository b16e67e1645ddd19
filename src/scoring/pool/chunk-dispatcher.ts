import type { ChunkResult } from '../../base/contract/records.ts';
import { fromErrorJson, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { filesOf, packFiles } from '../child/file-table.ts';
import type { ScorerProcess } from './scorer-process.ts';
import {
  type ChunkTask,
  hasRoom,
  hungry,
  MAX_ATTEMPTS,
  MOST_SHORTAGES,
  type QueuedTask,
  type Seat,
  withChunk,
} from './seat.ts';
import { isWorthWaiting, takeTogether } from './tiny-chunks.ts';

/**
 * Hands chunks to the children of `seats` in the order they were submitted, the next one to a child as soon as it has decoded the
 * last; those of a child that dies, or whose device fails, are tried again by another one, three times at most.
 */
export class ChunkDispatcher {
  private readonly seats: readonly Seat[];
  private readonly queue: QueuedTask[] = [];
  private closed: PrescoreError | null = null;
  private finished = 0;
  private batchesMs = 0;
  private busySince = 0;

  constructor(seats: readonly Seat[]) {
    this.seats = seats;
  }

  /** Why nothing is begun any more; null while something is. */
  get ended(): PrescoreError | null {
    return this.closed;
  }

  /** Milliseconds in which batches ran, of all chunks so far, added up over the children. */
  get modelMs(): number {
    return this.batchesMs;
  }

  /** How long the queue will last, by the chunks so far; 0 while none is finished. */
  get leftMs(): number {
    return this.finished === 0 ? 0 : (this.queue.length * (performance.now() - this.busySince)) / this.finished;
  }

  /** Scores one chunk. Errors: the child's; SCORER_CRASHED or SCORER_DEADLINE after three attempts; that of `close` after it. */
  score(task: ChunkTask): Promise<ChunkResult & { readonly attempt: number }> {
    if (this.closed !== null) return Promise.reject(this.closed);
    return new Promise((resolve, reject) => {
      this.queue.push({ ...task, attempt: 1, shortages: 0, rows: 0, resolve, reject });
      this.dispatch();
    });
  }

  /** Drops what is not begun (of one run, or of all); those promises reject with `reason`. Chunks in a child go on. */
  abandonQueued(reason: PrescoreError, runId?: string): void {
    const all = this.queue.splice(0);
    for (const task of all) {
      if (runId === undefined || task.runId === runId) task.reject(reason);
      else this.queue.push(task);
    }
  }

  /** Drops what is not begun, and tries nothing again. */
  close(reason: PrescoreError): void {
    this.closed = reason;
    this.abandonQueued(reason);
  }

  /** Call it when a child has become ready, or hungry. */
  dispatch(): void {
    for (const seat of this.seats) {
      if (this.queue.length === 0) return;
      if (seat.isReady && seat.tasks.size === 0) this.assign(seat, this.next());
    }
    for (const seat of this.seats) {
      if (this.queue.length === 0 || isWorthWaiting(this.queue)) return;
      if (hasRoom(seat)) this.assign(seat, this.next());
    }
  }

  private next(): QueuedTask[] {
    return takeTogether(this.queue, Math.ceil(this.queue.length / this.seats.length));
  }

  private assign(seat: Seat, tasks: readonly QueuedTask[]): void {
    const chunks = tasks.map((task) => task.chunk);
    // By the time of its answer the seat may have another child.
    const { process } = seat;
    const [{ runId, files }] = tasks as [QueuedTask, ...QueuedTask[]];
    const { id, reply } = process.request({ kind: 'chunks', runId, chunks, files: packFiles(files, filesOf(chunks)) });
    if (this.busySince === 0) this.busySince = performance.now();
    seat.tasks.set(id, { tasks, isHungry: false });
    const settle = (results: readonly (ChunkResult | PrescoreError)[]): void => {
      seat.tasks.delete(id);
      for (const [i, task] of tasks.entries()) {
        const result = results[i]!;
        if (result instanceof PrescoreError) this.failedIn(seat, process, task, result);
        else this.succeeded(seat, task, result);
      }
      this.dispatch();
    };
    reply.then(
      (outcomes) => settle(outcomes.map((one) => (one.ok ? one.result : fromErrorJson(one.error)))),
      (error: unknown) => settle(tasks.map(() => toPrescoreError(error))),
    );
  }

  private succeeded(seat: Seat, task: QueuedTask, result: ChunkResult): void {
    seat.deaths = 0;
    this.finished++;
    this.batchesMs += result.timings.runMs ?? 0;
    task.onRows(result.rowsIn - task.rows);
    task.resolve({ ...result, attempt: task.attempt });
  }

  private failedIn(seat: Seat, process: ScorerProcess, task: QueuedTask, failure: PrescoreError): void {
    // The child is there, but its device is not. The error comes once more with its other chunks, when the seat has a new child.
    if (failure.details.data?.['device'] === true && seat.process === process) {
      seat.isReady = false;
      process.kill(failure);
    }
    this.failed(task, failure);
  }

  private failed(task: QueuedTask, error: PrescoreError): void {
    task.onRows(-task.rows);
    task.rows = 0;
    // A shortage is no failed attempt while the next child takes fewer rows at a time.
    const isShort = error.details.data?.['memory'] === true;
    if (isShort) task.shortages++;
    const isOver = isShort ? task.shortages > MOST_SHORTAGES : task.attempt >= MAX_ATTEMPTS;
    if (this.closed !== null || !error.retryable || isOver) {
      task.reject(withChunk(isShort ? hungry(error) : error, task));
      return;
    }
    if (!isShort) task.attempt++;
    this.queue.unshift(task);
  }
}
