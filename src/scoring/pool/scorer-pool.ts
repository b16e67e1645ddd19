import type { Binding } from '../../base/contract/binding.ts';
import type { ExactFinding } from '../../base/contract/exact.ts';
import type { PlannedFile } from '../../base/contract/plan.ts';
import type { ChunkResult } from '../../base/contract/records.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { CertifyWish } from '../../model/certify/certify-session.ts';
import { packFirst } from '../child/file-table.ts';
import type {
  DescribeRequest,
  DescribeResult,
  ModelRequest,
  ProbeResult,
  Replies,
  Request,
  RunContext,
  SampleResult,
} from '../child/messages.ts';
import { BatchProbes } from './batch-probes.ts';
import { ChunkDispatcher } from './chunk-dispatcher.ts';
import { describeFiles } from './describe-files.ts';
import { type ChildLaunch, ScorerProcess } from './scorer-process.ts';
import {
  type ChunkTask,
  firstReady,
  giveUp,
  isAnotherWorthIt,
  isDeath,
  isGivenUp,
  noteBusy,
  outlive,
  reduced,
  type Seat,
} from './seat.ts';

const MAX_LOAD_DEATHS = 2;
/** Files that keep a second child busy for longer than it takes to start. */
const MANY_FILES = 4000;
/** Source rows that are looked at for a row of a sample, where the job has a filter. */
const FILTERED_REACH = 4096;

/**
 * Scorer children for `scorers` slots: children with two ONNX Runtime threads each, and more of them, up to one per slot,
 * when it is the children's main threads that are short. Starts a child again when it dies; what it was asked is asked again of
 * the next one.
 */
export class ScorerPool {
  private readonly launch: ChildLaunch;
  private readonly seats: Seat[] = [];
  private readonly runs = new Map<string, RunContext>();
  private readonly probes = new BatchProbes<ProbeResult>();
  private readonly trials = new BatchProbes<RowTrial>();
  private readonly findings = new BatchProbes<ExactFinding>();
  private readonly chunks = new ChunkDispatcher(this.seats);
  private model: ModelRequest | null = null;
  private devices: readonly string[] = [];
  private isClosed = false;
  private readonly scorers: number;
  private onLost: (error: PrescoreError) => void = () => undefined;

  constructor(launch: ChildLaunch, scorers: number) {
    this.launch = launch;
    this.scorers = scorers;
    const { threads } = launch.options;
    for (let left = scorers; left > 0; left -= threads) this.seats.push(this.newSeat(Math.min(threads, left)));
  }

  get pids(): number[] {
    return this.seats.flatMap((seat) => seat.process.pid ?? []);
  }

  /** Children that have the model now. */
  get ready(): number {
    return this.seats.filter((seat) => seat.isReady).length;
  }

  /** Milliseconds in which batches ran, of the chunks of all runs so far, added up over the children. */
  get modelMs(): number {
    return this.chunks.modelMs;
  }

  /**
   * Loads the model in every child at once; answers when the first one has. `devices`: those of the children in turn, such as
   * one GPU for each; `model.device` is that of all when left out. `onLost` is told, also later, of a device that cannot be
   * used, or a child that is given up, while there are others.
   */
  async load(
    model: ModelRequest,
    devices: readonly string[] = [model.device],
    onLost: (error: PrescoreError) => void = () => undefined,
  ): Promise<ModelInfo> {
    this.model = model;
    this.devices = devices;
    for (const seat of this.seats) this.prepare(seat);
    for (;;) {
      try {
        const info = await (await firstReady(this.seats)).ready;
        if (info === null) throw new PrescoreError('INTERNAL', { what: 'no child has loaded the model' });
        this.onLost = onLost;
        for (const seat of this.seats) seat.ready.catch((error: unknown) => this.noteRefusal(seat, error));
        return info;
      } catch (error) {
        const first = toPrescoreError(error);
        // A child that was killed has a successor, which is loading by now; one that a model ends ends its successors too.
        const isAgain = isDeath(first) && this.seats.some((seat) => seat.deaths <= MAX_LOAD_DEATHS);
        if (this.isClosed || !isAgain) throw first;
      }
    }
  }

  /** Reads footers, spread over the children. One result per file, in order; a bad file is a result, not an error. */
  describe(files: readonly DescribeRequest[]): Promise<DescribeResult[]> {
    // What is done for each of many files fills a child's main thread from here on.
    if (files.length >= MANY_FILES && this.seats.length < this.scorers) this.addSeat();
    return describeFiles(() => {
      const there = this.seats.filter((seat) => !isGivenUp(seat));
      if (there.length === 0)
        throw this.chunks.ended ?? new PrescoreError('INTERNAL', { what: 'a pool without children' });
      return there.map((seat) => seat.process);
    }, files);
  }

  /** Asks the first child that has the model: one whose GPU is broken never has. */
  async ask<K extends Request['kind']>(request: Request & { readonly kind: K }): Promise<Replies[K]> {
    return outlive(() => this.askOnce<K>(request));
  }

  private async askOnce<K extends Request['kind']>(request: Request & { readonly kind: K }): Promise<Replies[K]> {
    const seat = await firstReady(this.seats);
    return seat.process.request<K>(request).reply;
  }

  /** The batch of the device for a binding, of up to `most` rows: tried out with rows of zeros. */
  probe(binding: Binding, most: number): Promise<ProbeResult> {
    return this.probes.get(binding, most, () => this.ask({ kind: 'probe', binding, most }));
  }

  /**
   * Whether rows are scored by themselves: tried out with made-up rows in batches of up to `rows`; null where that could not be tried.
   * Errors: those of scoring, at once, as a model that ends one child by it would end the next.
   */
  tryRows(binding: Binding, rows: number): Promise<RowTrial> {
    return this.trials.get(binding, rows, () => this.askOnce({ kind: 'try', binding, rows }));
  }

  /**
   * Whether rows get the same bits in every batch, by made-up rows and by those that a bound run keeps; `binding` null: as the model declares
   * itself. Errors: those of scoring, at once, as above.
   */
  async certify(binding: Binding | null, wish: CertifyWish): Promise<ExactFinding> {
    const ask = (): Promise<ExactFinding> => this.askOnce({ kind: 'certify', binding, wish });
    // A trial that was asked for is made anew.
    return wish.depth === 'full' || binding === null ? ask() : this.findings.get(binding, wish.mostRows, ask);
  }

  /**
   * Scores the first rows of a bound run's files, and writes nothing but their feeds into the folder `feeds`, where one is named. Errors:
   * those of reading and scoring.
   */
  sample(runId: string, files: readonly PlannedFile[], rows: number, feeds?: string): Promise<SampleResult> {
    // A filter may leave few rows of many.
    const reach = this.runs.get(runId)?.where === undefined ? rows : rows * FILTERED_REACH;
    return this.ask({ kind: 'sample', runId, rows, files: packFirst(files, reach), feeds });
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
    return this.chunks.score(task);
  }

  /** Drops what is not begun (of one run, or of all); those promises reject with `reason`. Chunks in a child go on. */
  abandonQueued(reason: PrescoreError, runId?: string): void {
    this.chunks.abandonQueued(reason, runId);
  }

  /** Ends every child at once. */
  kill(reason: PrescoreError): void {
    this.isClosed = true;
    this.chunks.close(reason);
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
        this.chunks.dispatch();
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
    // By the time of its answer the seat may have another child.
    const { process } = seat;
    seat.ready = (async () => {
      const info = await process.request({ kind: 'load', model }).reply;
      await Promise.all([...this.runs.values()].map((run) => process.request({ kind: 'bind', run }).reply));
      seat.isReady = true;
      this.chunks.dispatch();
      return info;
    })();
    seat.ready.catch((error: unknown) => {
      // A child that is started again and cannot load is of no use; as a death it is counted, so that a run ends.
      if (this.runs.size > 0) process.kill(toPrescoreError(error));
    });
  }

  // A child that died has a successor by now; a device that is not there has none, and its seat must not be waited for.
  private noteRefusal(seat: Seat, error: unknown): void {
    if (isDeath(error) || this.isClosed) return;
    giveUp(seat);
    seat.process.kill(toPrescoreError(error));
  }

  private noteBusy(seat: Seat, busy: number): void {
    noteBusy(seat, busy);
    if (this.isClosed || this.seats.length >= this.scorers) return;
    if (!isAnotherWorthIt(this.seats, this.chunks.leftMs)) return;
    this.addSeat();
  }

  private addSeat(): void {
    const added = this.newSeat(1);
    this.seats.push(added);
    this.prepare(added);
  }

  private died(seat: Seat, reason: PrescoreError): void {
    if (this.isClosed) return;
    // Replies of its tasks were rejected already; the seat gets a new child, with less in flight if memory was the reason.
    seat.isReady = false;
    seat.deaths++;
    if (reason.details.data?.['memory'] === true) seat.reductions++;
    if (isGivenUp(seat)) {
      if (this.seats.every(isGivenUp)) this.kill(reason);
      else this.onLost(reason);
      return;
    }
    seat.process = this.spawn(() => seat, seat.reductions, seat.threads);
    this.prepare(seat);
  }
}
