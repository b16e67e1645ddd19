import { Worker } from 'node:worker_threads';
import type { Binding } from '../../base/contract/binding.ts';
import type { ExactFinding } from '../../base/contract/exact.ts';
import type { RowTrial } from '../../base/contract/row-dependence.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { CertifyWish } from '../../model/certify/certify-session.ts';
import { CONTROL, type FromThread, type ToThread } from './thread-messages.ts';

type Loaded = FromThread & { kind: 'loaded' };
type Scored = FromThread & { kind: 'scored' };
type Tried = FromThread & { kind: 'tried' };
type Certified = FromThread & { kind: 'certified' };
/** What a ticket is answered by, where it does not fail: by what it was asked for. */
type Answer = Scored | Tried | Certified;

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** The child's main thread's handle on its ONNX Runtime thread. Slabs are scored in the order they are sent. */
export class OrtClient {
  private readonly worker: Worker;
  private readonly control = new SharedArrayBuffer(CONTROL.words * 4);
  private readonly words = new Int32Array(this.control);
  private readonly waiting = new Map<number, Waiter<Answer>>();
  private loading: Waiter<Loaded> | null = null;
  private tickets = 0;
  private bindings = 0;
  private lastBatch = -1;
  private lastBatchAt = 0;

  constructor() {
    const isSource = import.meta.url.endsWith('.ts');
    this.worker = new Worker(new URL(isSource ? './ort-thread.ts' : './ort-thread.js', import.meta.url), {
      workerData: { control: this.control },
    });
    this.worker.on('message', (message: FromThread) => this.receive(message));
    this.worker.on('error', (error) => this.failAll(error));
  }

  /** Errors: those of `loadModelFile`. */
  load(message: Omit<ToThread & { kind: 'load' }, 'kind'>): Promise<Loaded> {
    return new Promise((resolve, reject) => {
      this.loading = { resolve, reject };
      this.post({ kind: 'load', ...message });
    });
  }

  /** Makes a binding known; returns its id for `score`. */
  bind(message: Omit<ToThread & { kind: 'bind' }, 'kind' | 'bindingId'>): number {
    const bindingId = ++this.bindings;
    this.post({ kind: 'bind', bindingId, ...message });
    return bindingId;
  }

  /** Owns: `buffer` belongs to the thread until the promise settles. */
  score(message: Omit<ToThread & { kind: 'score' }, 'kind' | 'ticket'>): Promise<Scored> {
    return this.ask((ticket) => ({ kind: 'score', ticket, ...message })) as Promise<Scored>;
  }

  /** Tries whether rows are scored by themselves, in batches of up to `rows`. */
  async tryRows(binding: Binding, rows: number): Promise<RowTrial> {
    const tried = await this.ask((ticket) => ({ kind: 'try', ticket, binding, rows }));
    return (tried as Tried).found;
  }

  /** Tries whether rows get the same bits in every batch. */
  async certify(binding: Binding | null, wish: CertifyWish): Promise<ExactFinding> {
    const certified = await this.ask((ticket) => ({ kind: 'certify', ticket, binding, wish }));
    return (certified as Certified).found;
  }

  /** The walk is over: its texts are let go. */
  forget(walk: number): void {
    this.post({ kind: 'forget', walk });
  }

  /** How long the batch that runs now has been running, in ms; 0 when none is. Call it regularly: it only compares. */
  batchMs(now = performance.now()): number {
    const batch = Atomics.load(this.words, CONTROL.batches);
    const isBusy = Atomics.load(this.words, CONTROL.isBusy) === 1;
    if (!isBusy || batch !== this.lastBatch) {
      this.lastBatch = batch;
      this.lastBatchAt = now;
    }
    return isBusy ? now - this.lastBatchAt : 0;
  }

  /** Ends the thread once it has answered everything. */
  close(): void {
    this.post({ kind: 'close' });
  }

  private ask(question: (ticket: number) => ToThread): Promise<Answer> {
    const ticket = ++this.tickets;
    return new Promise((resolve, reject) => {
      this.waiting.set(ticket, { resolve, reject });
      this.post(question(ticket));
    });
  }

  private post(message: ToThread): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromThread): void {
    if (message.kind === 'loaded') {
      this.loading?.resolve(message);
      this.loading = null;
    } else if (message.kind !== 'failed') {
      this.take(message.ticket)?.resolve(message);
    } else if (message.ticket === null) {
      this.loading?.reject(fromErrorJson(message.error));
      this.loading = null;
    } else {
      this.take(message.ticket)?.reject(fromErrorJson(message.error));
    }
  }

  private take(ticket: number): Waiter<Answer> | undefined {
    const waiter = this.waiting.get(ticket);
    this.waiting.delete(ticket);
    return waiter;
  }

  private failAll(cause: Error): void {
    const error = new PrescoreError('MODEL_FAILED', { what: `the inference thread ended: ${cause.message}`, cause });
    this.loading?.reject(error);
    for (const waiter of this.waiting.values()) waiter.reject(error);
    this.waiting.clear();
  }
}
