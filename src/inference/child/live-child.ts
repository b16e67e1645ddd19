import { flushCompileCache } from 'node:module';
import { PrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { collectYoung } from '../../base/heap/native-memory.ts';
import { obeying } from '../../model/certify/policy-session.ts';
import { type BatchAxis, findBatchAxis } from '../../model/elements/batch-axis.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { loadModelFile } from '../../model/engine/load-model.ts';
import { twinOf } from '../../model/engine/twin-check.ts';
import { certifyLive } from './certify-live.ts';
import { encodeFrame, type Frame, FrameReader } from './live-frame.ts';
import type { FromLiveChild, LiveModelFile, ToLiveChild } from './live-messages.ts';
import { scoreBatch } from './score-batch.ts';
import { packTwin } from './twin-frame.ts';

/** The child's end of the pipe. */
export interface LivePort {
  send(frame: Uint8Array): void;
  onData(listener: (chunk: Uint8Array) => void): void;
}

interface Loaded {
  readonly session: ModelSession;
  readonly axis: BatchAxis;
}

/** Rows whose fetched tensors may wait to be freed. */
const COLLECT_ROWS = 1024;

/**
 * A live scorer child: one model, batches one after another in the order in which they come. ONNX Runtime runs on the main
 * thread, because nobody waits for this process's event loop: the parent ends it when a batch takes too long.
 */
export class LiveChild {
  private readonly port: LivePort;
  private queue: Promise<void> = Promise.resolve();
  private loaded: Loaded | null = null;
  private rowsSinceCollected = 0;
  private rssBytes = 0;
  private rssAt = Number.NEGATIVE_INFINITY;

  constructor(port: LivePort) {
    this.port = port;
  }

  /** Begins to take frames. Errors: each is answered by a `failed` frame. */
  start(): void {
    const reader = new FrameReader<ToLiveChild>((frame) => {
      this.queue = this.queue.then(() => this.handle(frame));
    });
    this.port.onData((chunk) => reader.push(chunk));
  }

  private async handle(frame: Frame<ToLiveChild>): Promise<void> {
    const { head } = frame;
    try {
      if (head.kind === 'load') await this.load(head);
      else await this.score(head, frame.tensors);
    } catch (error) {
      const json = toErrorJson(toPrescoreError(error, 'MODEL_FAILED'), true);
      this.send({ kind: 'failed', id: head.kind === 'score' ? head.id : null, error: json });
    }
  }

  private async load(model: LiveModelFile): Promise<void> {
    const { session, info: loaded } = await loadModelFile(model, model);
    const axis = findBatchAxis(session.signature, model.where);
    // This process is ended with SIGKILL, so nothing else would ever keep what it has compiled.
    flushCompileCache?.();
    const found = await certifyLive(session, loaded, model);
    this.loaded = { session: obeying(session, found.policy ?? 'plain'), axis };
    const { device: _, ...known } = loaded;
    const info = { ...known, ...found };
    // It scores rows as they come: where batches are to be shaped, nobody else may.
    const isTaken = model.wantsTwin && (found.policy ?? 'plain') === 'plain';
    const twin = isTaken ? await packedTwin(session) : null;
    if (twin === null) this.send({ kind: 'loaded', info, rssBytes: this.rss() });
    else this.send({ kind: 'loaded', info, rssBytes: this.rss(), twin: twin.head }, twin.tensors);
  }

  private async score(head: ToLiveChild & { kind: 'score' }, feeds: Frame<unknown>['tensors']): Promise<void> {
    const { loaded } = this;
    if (loaded === null) throw new PrescoreError('INTERNAL', { what: 'score before load', where: 'live scorer' });
    const started = performance.now();
    const fetches = head.fetches ?? loaded.axis.fetches;
    const { outputs, failed, executions } = await scoreBatch(loaded.session, loaded.axis, feeds, head.rows, fetches);
    const computeMs = performance.now() - started;
    const tensors = [...outputs].map(([name, { type, dims, data }]) => ({ name, type, dims, pieces: [data] }));
    this.send({ kind: 'scored', id: head.id, failed, computeMs, executions, rssBytes: this.rss() }, tensors);
    // Fetched tensors are native memory behind small objects.
    this.rowsSinceCollected += head.rows;
    if (this.rowsSinceCollected < COLLECT_ROWS) return;
    this.rowsSinceCollected = 0;
    collectYoung();
  }

  private send(head: FromLiveChild, tensors: Parameters<typeof encodeFrame>[1] = []): void {
    this.port.send(encodeFrame(head, tensors));
  }

  // Reading it takes longer than a small batch does.
  private rss(now = performance.now()): number {
    if (now - this.rssAt < 1000) return this.rssBytes;
    this.rssAt = now;
    this.rssBytes = process.memoryUsage.rss();
    return this.rssBytes;
  }
}

// The model is loaded: that nobody else can score it must not take it away.
async function packedTwin(session: ModelSession): Promise<ReturnType<typeof packTwin> | null> {
  try {
    const twin = await twinOf(session);
    return twin === null ? null : packTwin(twin);
  } catch {
    return null;
  }
}
