import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FailedRow, LiveTensor } from '../../base/contract/live-model.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { TwinParts } from '../../model/engine/tree-twin.ts';
import { encodeFrame, type Frame, FrameReader, type FrameTensor } from './live-frame.ts';
import type { FromLiveChild, LiveModelFile, ToLiveChild } from './live-messages.ts';
import { unpackTwin } from './twin-frame.ts';

/** How a live scorer child is started; built once by the command line. */
export interface LiveLaunch {
  /** The child's entry module. */
  readonly entry: URL;
  readonly env: NodeJS.ProcessEnv;
}

export interface ScoredBatch {
  readonly outputs: ReadonlyMap<string, LiveTensor>;
  readonly failed: readonly FailedRow[];
  readonly computeMs: number;
  readonly executions: number;
}

/** What a child has loaded; `twin`: what its parent needs to score by itself. */
export interface LoadedChild {
  readonly info: ModelInfo;
  readonly twin: TwinParts | null;
}

interface Pending {
  readonly id: number | null;
  readonly deadlineMs: number;
  resolve(frame: Frame<FromLiveChild>): void;
  reject(error: PrescoreError): void;
}

/** Heap of a child's JavaScript, in MiB: tensors lie outside it, texts inside. */
const HEAP_MIB = 256;

/**
 * The parent's half of one live scorer child. Requests are answered in the order in which they are sent. A child that takes
 * longer than its deadline is ended with SIGKILL: nothing gentler stops a native call.
 */
export class LiveProcess {
  private readonly child: ChildProcess;
  private readonly pipe: Duplex;
  private readonly onExit: (reason: PrescoreError) => void;
  private readonly pending: Pending[] = [];
  private oldestSince = 0;
  private alarm: NodeJS.Timeout | null = null;
  private alarmAt = Number.POSITIVE_INFINITY;
  private nextId = 1;
  private verdict: PrescoreError | null = null;
  private hasEnded = false;
  private rss = 0;

  /** `onExit` is called once, when the process has ended or was killed, after what was pending has failed. */
  constructor(launch: LiveLaunch, onExit: (reason: PrescoreError) => void) {
    this.onExit = onExit;
    const isSource = launch.entry.pathname.endsWith('.ts');
    const flags = ['--max-semi-space-size=2', '--expose-gc', '--single-threaded-gc'];
    const quiet = isSource ? ['--disable-warning=ExperimentalWarning'] : [];
    const args = [`--max-old-space-size=${HEAP_MIB}`, ...flags, ...quiet, fileURLToPath(launch.entry)];
    this.child = spawn(process.execPath, [...args, String(process.pid)], {
      env: launch.env,
      // A process group of its own: Ctrl-C reaches the server alone.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    this.pipe = this.child.stdio[3] as Duplex;
    const reader = new FrameReader<FromLiveChild>((frame) => this.receive(frame));
    this.pipe.on('data', (chunk: Uint8Array) => {
      try {
        reader.push(chunk);
      } catch (cause) {
        this.kill(new PrescoreError('SCORER_CRASHED', { what: 'live scorer sent what is no frame', cause }));
      }
    });
    this.pipe.on('error', () => undefined);
    this.child.on('exit', (code, signal) => this.ended(code, signal));
    this.child.on('error', (cause) => {
      this.verdict ??= new PrescoreError('SCORER_CRASHED', {
        what: `live scorer did not start: ${cause.message}`,
        cause,
      });
      this.ended(null, null);
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resident memory in bytes, at most a second older than its last answer; 0 before the first. */
  get rssBytes(): number {
    return this.rss;
  }

  /** Errors: those of `inspectModel` and `OnnxSession.open`; SCORER_DEADLINE, SCORER_CRASHED. */
  async load(model: LiveModelFile, deadlineMs: number): Promise<LoadedChild> {
    const { head, tensors } = await this.request(null, { kind: 'load', ...model }, [], deadlineMs);
    if (head.kind !== 'loaded') throw new PrescoreError('INTERNAL', { what: `${head.kind} for load` });
    this.rss = head.rssBytes;
    const { info, twin } = head;
    return { info, twin: twin === undefined ? null : unpackTwin(twin, tensors) };
  }

  /** Scores one batch. Errors: MODEL_FAILED, MODEL_OUTPUT_SHAPE, SCORER_DEADLINE, SCORER_CRASHED. Owns: the tensors are copied. */
  async score(
    rows: number,
    fetches: readonly string[] | null,
    tensors: readonly FrameTensor[],
    deadlineMs: number,
  ): Promise<ScoredBatch> {
    const id = this.nextId++;
    const { head, tensors: outputs } = await this.request(
      id,
      { kind: 'score', id, rows, fetches },
      tensors,
      deadlineMs,
    );
    if (head.kind !== 'scored') throw new PrescoreError('INTERNAL', { what: `${head.kind} for score` });
    this.rss = head.rssBytes;
    const { failed, computeMs, executions } = head;
    return { outputs, failed, computeMs, executions };
  }

  /** Ends the child now, with SIGKILL. What is pending fails at once with the reason. */
  kill(reason: PrescoreError): void {
    this.verdict ??= reason;
    this.child.kill('SIGKILL');
    this.ended(null, null);
  }

  private request(
    id: number | null,
    head: ToLiveChild,
    tensors: readonly FrameTensor[],
    deadlineMs: number,
  ): Promise<Frame<FromLiveChild>> {
    if (this.verdict !== null) return Promise.reject(this.verdict);
    const frame = encodeFrame(head, tensors);
    return new Promise((resolve, reject) => {
      this.pending.push({ id, deadlineMs, resolve, reject });
      if (this.pending.length === 1) this.watchOldest();
      this.pipe.write(frame);
    });
  }

  // One timer for as long as the child is busy: it is set again when it rings, or when it would ring too late.
  private watchOldest(): void {
    const oldest = this.pending[0]!;
    this.oldestSince = performance.now();
    if (this.oldestSince + oldest.deadlineMs < this.alarmAt) this.setAlarm(oldest.deadlineMs);
  }

  private setAlarm(ms: number): void {
    if (this.alarm !== null) clearTimeout(this.alarm);
    this.alarmAt = performance.now() + ms;
    this.alarm = setTimeout(() => this.checkOldest(), ms);
    this.alarm.unref();
  }

  private checkOldest(): void {
    this.alarm = null;
    this.alarmAt = Number.POSITIVE_INFINITY;
    const oldest = this.pending[0];
    if (oldest === undefined) return;
    const left = oldest.deadlineMs - (performance.now() - this.oldestSince);
    if (left > 0) {
      this.setAlarm(left);
      return;
    }
    const what = oldest.id === null ? 'the model did not load in time' : 'a live batch did not end in time';
    const expected = `at most ${oldest.deadlineMs} ms`;
    this.kill(new PrescoreError('SCORER_DEADLINE', { what, expected, got: 'no answer' }));
  }

  private receive(frame: Frame<FromLiveChild>): void {
    const { head } = frame;
    const id = head.kind === 'loaded' ? null : head.id;
    const oldest = this.pending[0];
    if (oldest === undefined || oldest.id !== id) {
      this.kill(new PrescoreError('SCORER_CRASHED', { what: 'live scorer answered what nobody asked' }));
      return;
    }
    this.pending.shift();
    if (this.pending.length > 0) this.watchOldest();
    if (head.kind === 'failed') oldest.reject(fromErrorJson(head.error));
    else oldest.resolve(frame);
  }

  private ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (this.alarm !== null) clearTimeout(this.alarm);
    this.pipe.destroy();
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    this.verdict ??= new PrescoreError('SCORER_CRASHED', { what: `live scorer ended by itself (${how})` });
    for (const { reject } of this.pending.splice(0)) reject(this.verdict);
    this.onExit(this.verdict);
  }
}
