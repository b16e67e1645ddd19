import type { Binding } from '../contract/binding.ts';
import type { ModelInfo } from '../contract/signature.ts';
import { fromErrorJson, PrescoreError, toPrescoreError } from '../errors/prescore-error.ts';
import { BatchProbes } from './batch-probes.ts';
import { describeFiles } from './describe-files.ts';
import type {
  ChunkResult,
  DescribeRequest,
  DescribeResult,
  ModelRequest,
  ProbeResult,
  Replies,
  Request,
  RunContext,
} from './messages.ts';
import { type ChildLaunch, ScorerProcess } from './scorer-process.ts';
import {
  type ChunkTask,
  firstReady,
  hasRoom,
  isAnotherWorthIt,
  noteBusy,
  type QueuedTask,
  reduced,
  type Seat,
  withChunk,
} from './seat.ts';
import { isWorthWaiting, takeTogether } from './tiny-chunks.ts';

const MAX_ATTEMPTS = 3;
const MAX_DEATHS = 6;
const MAX_LOAD_DEATHS = 2;

/**
 * Scorer children for `scorers` slots: children with two ONNX Runtime threads each, and more of them, up to one per slot,
 * when it is the children's main threads that are short. Hands chunks out in the order they were submitted, the next one to
 * a child as soon as it has decoded the last; starts a child again when it dies and retries its chunks, at most three times.
 */
export class ScorerPool {
  private readonly launch: ChildLaunch;
  private readonly seats: Seat[] = [];
  private readonly queue: QueuedTask[] = [];
  private readonly runs = new Map<string, RunContext>();
  private readonly probes = new BatchProbes();
  private model: ModelRequest | null = null;
  private devices: readonly string[] = [];
  private isClosed = false;
  private readonly scorers: number;
  private finished = 0;
  private batchesMs = 0;
  private busySince = 0;

  constructor(launch: ChildLaunch, scorers: number) {
    this.launch = launch;
    this.scorers = scorers;
    const { threads } = launch.options;
    for (let left = scorers; left > 0; left -= threads) this.seats.push(this.newSeat(Math.min(threads, left)));
  }

  get pids(): number[] {
    return this.seats.flatMap((seat) => seat.process.pid ?? []);
  }

  get size(): number {
    return this.seats.length;
  }

  /** Milliseconds in which batches ran, of the chunks of all runs so far, added up over the children. */
  get modelMs(): number {
    return this.batchesMs;
  }

  /**
   * Loads the model in every child at once; answers when the first one has. `devices`: those of the children in turn, such as
   * one GPU for each; `model.device` is that of all when left out. `onRefused` is told, also later, of a child that cannot
   * load it while another one can.
   */
  async load(
    model: ModelRequest,
    devices: readonly string[] = [model.device],
    onRefused: (error: PrescoreError) => void = () => undefined,
  ): Promise<ModelInfo> {
    this.model = model;
    this.devices = devices;
    for (const seat of this.seats) this.prepare(seat);
    for (;;) {
      try {
        const info = await (await firstReady(this.seats)).ready;
        if (info === null) throw new PrescoreError('INTERNAL', { what: 'no child has loaded the model' });
        for (const seat of this.seats) seat.ready.catch((error: unknown) => onRefused(toPrescoreError(error)));
        return info;
      } catch (error) {
        const first = toPrescoreError(error);
        // A child that was killed has a successor, which is loading by now; one that a model ends ends its successors too.
        const isAgain = first.code === 'SCORER_CRASHED' && this.seats.some((seat) => seat.deaths <= MAX_LOAD_DEATHS);
        if (this.isClosed || !isAgain) throw first;
      }
    }
  }

  /** Reads footers, spread over the children. One result per file, in order; a bad file is a result, not an error. */
  describe(files: readonly DescribeRequest[]): Promise<DescribeResult[]> {
    return describeFiles(this.seats.length, (place) => this.seats[place]!.process, files);
  }

  /** Asks the first child that has the model: one whose GPU is broken never has. */
  async ask<K extends Request['kind']>(request: Request & { readonly kind: K }): Promise<Replies[K]> {
    const seat = await firstReady(this.seats);
    return seat.process.request<K>(request).reply;
  }

  /** The batch of the device for a binding, of up to `most` rows: tried out with rows of zeros. */
  probe(binding: Binding, most: number): Promise<ProbeResult> {
    return this.probes.get(binding, most, () => this.ask({ kind: 'probe', binding, most }));
  }

  /** Makes a run known to every child, now and after a restart. */
  bind(run: RunContext): void {
    this.runs.set(run.runId, run);
    for (const seat of this.seats) seat.process.request({ kind: 'bind', run }).reply.catch(() => undefined);
  }

  unbind(runId: string): void {
    this.runs.delete(runId);
  }

  /** Scores one chunk. Errors: the child's; SCORER_CRASHED or SCORER_DEADLINE after three attempts. */
  score(task: ChunkTask): Promise<ChunkResult & { readonly attempt: number }> {
    return new Promise((resolve, reject) => {
      this.queue.push({ ...task, attempt: 1, rows: 0, resolve, reject });
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

  /** Ends every child at once. */
  kill(reason: PrescoreError): void {
    this.isClosed = true;
    this.abandonQueued(reason);
    for (const seat of this.seats) seat.process.kill(reason);
  }

  /** Lets idle children go. */
  close(): void {
    this.isClosed = true;
    for (const seat of this.seats) seat.process.close();
  }

  private newSeat(threads: number): Seat {
    const tasks: Seat['tasks'] = new Map();
    // The events of a child concern whichever seat holds it; they come later than this call.
    const seat: Seat = {
      threads,
      process: this.spawn(() => seat, 0, threads),
      ready: Promise.resolve(null),
      isReady: false,
      deaths: 0,
      tasks,
      reductions: 0,
      busyBeats: 0,
    };
    return seat;
  }

  private spawn(seatOf: () => Seat, reductions: number, threads: number): ScorerProcess {
    return new ScorerProcess(reduced(this.launch, reductions, threads), {
      onHungry: (id) => {
        const entry = seatOf().tasks.get(id);
        if (entry !== undefined) entry.isHungry = true;
        this.dispatch();
      },
      onProgress: (id, rows) => {
        // Tiny chunks tell nothing before they are done.
        const task = seatOf().tasks.get(id)?.tasks[0];
        if (task === undefined) return;
        task.onRows(rows - task.rows);
        task.rows = rows;
      },
      onHeartbeat: (busy) => this.noteBusy(seatOf(), busy),
      onExit: (reason) => this.died(seatOf(), reason),
    });
  }

  private prepare(seat: Seat): void {
    if (this.model === null) return;
    const model = { ...this.model, device: this.devices[this.seats.indexOf(seat) % this.devices.length]! };
    seat.ready = (async () => {
      const info = await seat.process.request({ kind: 'load', model }).reply;
      await Promise.all([...this.runs.values()].map((run) => seat.process.request({ kind: 'bind', run }).reply));
      seat.isReady = true;
      this.dispatch();
      return info;
    })();
    seat.ready.catch((error: unknown) => {
      // A child that is started again and cannot load is of no use; as a death it is counted, so that a run ends.
      if (this.runs.size > 0) seat.process.kill(toPrescoreError(error));
    });
  }

  private dispatch(): void {
    for (const seat of this.seats) {
      if (this.queue.length === 0) return;
      if (seat.isReady && seat.tasks.size === 0) this.assign(seat, this.next());
    }
    for (const seat of this.seats) {
      if (this.queue.length === 0 || isWorthWaiting(this.queue)) return;
      if (hasRoom(seat)) this.assign(seat, this.next());
    }
  }

  private noteBusy(seat: Seat, busy: number): void {
    noteBusy(seat, busy);
    if (this.isClosed || this.seats.length >= this.scorers || this.finished === 0) return;
    const msPerChunk = (performance.now() - this.busySince) / this.finished;
    if (!isAnotherWorthIt(this.seats, this.queue.length * msPerChunk)) return;
    const added = this.newSeat(1);
    this.seats.push(added);
    this.prepare(added);
  }

  private next(): QueuedTask[] {
    return takeTogether(this.queue, Math.ceil(this.queue.length / this.seats.length));
  }

  private assign(seat: Seat, tasks: readonly QueuedTask[]): void {
    const chunks = tasks.map((task) => task.chunk);
    const { id, reply } = seat.process.request({ kind: 'chunks', runId: tasks[0]!.runId, chunks });
    if (this.busySince === 0) this.busySince = performance.now();
    seat.tasks.set(id, { tasks, isHungry: false });
    const settle = (results: readonly (ChunkResult | PrescoreError)[]): void => {
      seat.tasks.delete(id);
      for (const [i, task] of tasks.entries()) {
        const result = results[i]!;
        if (result instanceof PrescoreError) this.failedIn(seat, task, result);
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

  private failedIn(seat: Seat, task: QueuedTask, failure: PrescoreError): void {
    // The child is there, but its device is not: another one tries the chunk again.
    if (failure.details.data?.['device'] === true) {
      seat.isReady = false;
      seat.process.kill(failure);
    }
    this.failed(task, failure);
  }

  private failed(task: QueuedTask, error: PrescoreError): void {
    task.onRows(-task.rows);
    task.rows = 0;
    if (this.isClosed || !error.retryable || task.attempt >= MAX_ATTEMPTS) {
      task.reject(withChunk(error, task));
      return;
    }
    task.attempt++;
    this.queue.unshift(task);
  }

  private died(seat: Seat, reason: PrescoreError): void {
    if (this.isClosed) return;
    // Replies of its tasks were rejected already; the seat gets a new child, with less in flight if memory was the reason.
    seat.isReady = false;
    seat.deaths++;
    if (reason.details.data?.['memory'] === true) seat.reductions++;
    if (seat.deaths > MAX_DEATHS) {
      if (this.seats.every((s) => s.deaths > MAX_DEATHS)) this.kill(reason);
      return;
    }
    seat.process = this.spawn(() => seat, seat.reductions, seat.threads);
    this.prepare(seat);
  }
}
