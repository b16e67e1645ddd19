import type { ChildProcess } from 'node:child_process';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ChildOptions, FromChild, Replies, Request, ToChild } from '../child/messages.ts';
import { forkScorer } from './fork-scorer.ts';

/** Where and how a child is started; built once by the command line. */
export interface ChildLaunch {
  /** The child's entry module. */
  readonly entry: URL;
  readonly env: NodeJS.ProcessEnv;
  readonly options: ChildOptions;
  /** Resident bytes above which the child is ended and started again with less in flight. */
  readonly maxRssBytes: number;
  /** A child that was started ahead of need, to be used instead of a new one; null when there is none (any more). */
  readonly takeSpare: () => ChildProcess | null;
  /** Silence after which a child counts as hung. */
  readonly silenceMs: number;
}

export interface ProcessEvents {
  onHungry(id: number): void;
  onProgress(id: number, rows: number): void;
  /** A heartbeat: the share of time in which the child's main thread was busy, 0 to 1. */
  onHeartbeat(busy: number): void;
  onExit(reason: PrescoreError): void;
}

interface Waiter {
  resolve(value: Replies[keyof Replies]): void;
  reject(error: PrescoreError): void;
}

/**
 * The supervisor's half of one scorer child: requests and replies, and the watchdog. A child that is silent, over its
 * deadline or over its memory is ended with SIGKILL: nothing gentler stops a native call.
 */
export class ScorerProcess {
  private readonly child: ChildProcess;
  private readonly launch: ChildLaunch;
  private readonly events: ProcessEvents;
  private readonly waiting = new Map<number, Waiter>();
  private readonly watchdog: NodeJS.Timeout;
  private nextId = 1;
  private lastHeard = performance.now();
  private verdict: PrescoreError | null = null;
  private isClosing = false;
  private isEnded = false;

  constructor(launch: ChildLaunch, events: ProcessEvents) {
    this.launch = launch;
    this.events = events;
    this.child = launch.takeSpare() ?? forkScorer(launch.entry, launch.env);
    this.child.on('message', (message: FromChild) => this.receive(message));
    this.child.on('exit', (code, signal) => this.ended(code, signal));
    this.child.on('error', (error) =>
      this.kill(new PrescoreError('SCORER_CRASHED', { what: `scorer did not start: ${error.message}`, cause: error })),
    );
    this.send({ kind: 'open', options: launch.options });
    this.watchdog = setInterval(() => this.checkSilence(), 500);
    this.watchdog.unref();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Sends a request; the id is known at once, for progress. Errors: the child's, or SCORER_CRASHED, SCORER_DEADLINE. */
  request<K extends Request['kind']>(
    request: Request & { kind: K },
  ): { readonly id: number; readonly reply: Promise<Replies[K]> } {
    const id = this.nextId++;
    const reply = new Promise<Replies[keyof Replies]>((resolve, reject) => {
      if (this.verdict !== null) reject(this.verdict);
      else this.waiting.set(id, { resolve, reject });
    });
    this.send({ kind: 'request', id, request });
    return { id, reply: reply as Promise<Replies[K]> };
  }

  /** Ends the child now. Pending requests fail with the reason. */
  kill(reason: PrescoreError): void {
    this.verdict ??= reason;
    this.child.kill('SIGKILL');
    if (this.child.pid === undefined) this.ended(null, null);
  }

  /** Ends an idle child: with SIGKILL too, because ONNX Runtime can abort while a process leaves by itself. */
  close(): void {
    this.isClosing = true;
    clearInterval(this.watchdog);
    this.child.kill('SIGKILL');
  }

  private send(message: ToChild): void {
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  private receive(message: FromChild): void {
    this.lastHeard = performance.now();
    if (message.kind === 'reply') this.take(message.id)?.resolve(message.value);
    else if (message.kind === 'failed') this.take(message.id)?.reject(fromErrorJson(message.error));
    else if (message.kind === 'hungry') this.events.onHungry(message.id);
    else if (message.kind === 'progress') this.events.onProgress(message.id, message.rows);
    else {
      this.checkVitals(message.batchMs, message.rssBytes);
      this.events.onHeartbeat(message.busy);
    }
  }

  private checkVitals(batchMs: number, rssBytes: number): void {
    const { batchDeadlineMs } = this.launch.options;
    if (batchMs > batchDeadlineMs) {
      this.kill(
        new PrescoreError('SCORER_DEADLINE', {
          what: `a batch ran for ${Math.round(batchMs)} ms`,
          expected: `at most ${batchDeadlineMs} ms`,
          got: 'no answer',
        }),
      );
    } else if (rssBytes > this.launch.maxRssBytes) {
      this.kill(
        new PrescoreError('SCORER_CRASHED', {
          what: 'scorer went over its share of memory',
          expected: `at most ${Math.round(this.launch.maxRssBytes / 1048576)} MiB`,
          got: `${Math.round(rssBytes / 1048576)} MiB`,
          data: { memory: true },
        }),
      );
    }
  }

  private checkSilence(): void {
    const silent = performance.now() - this.lastHeard;
    if (silent < this.launch.silenceMs) return;
    this.kill(new PrescoreError('SCORER_CRASHED', { what: `scorer has not answered for ${Math.round(silent)} ms` }));
  }

  private take(id: number): Waiter | undefined {
    const waiter = this.waiting.get(id);
    this.waiting.delete(id);
    return waiter;
  }

  private ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.isEnded) return;
    this.isEnded = true;
    clearInterval(this.watchdog);
    if (this.isClosing && this.waiting.size === 0) return;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    this.verdict ??= new PrescoreError('SCORER_CRASHED', { what: `scorer process ended by itself (${how})` });
    for (const waiter of this.waiting.values()) waiter.reject(this.verdict);
    this.waiting.clear();
    this.events.onExit(this.verdict);
  }
}
