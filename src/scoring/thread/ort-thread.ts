import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Binding } from '../../base/contract/binding.ts';
import type { ExactPolicy } from '../../base/contract/exact.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { collectYoung } from '../../base/heap/native-memory.ts';
import { certifySession } from '../../model/certify/certify-session.ts';
import { obeying } from '../../model/certify/policy-session.ts';
import { probesOf } from '../../model/certify/probe-inputs.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { loadModelFile } from '../../model/engine/load-model.ts';
import type { PredictionColumn } from '../tensor/fetch-columns.ts';
import type { SlabLayout } from '../tensor/slab-layout.ts';
import { KeptRows } from './kept-rows.ts';
import { scoreSlab } from './score-slab.ts';
import { CONTROL, type FromThread, type ToThread } from './thread-messages.ts';
import { bindingProbe, tryBinding } from './try-binding.ts';

/*
 * The thread of a scorer child in which ONNX Runtime runs. It is never terminated from inside: `worker.terminate()` during
 * a run aborts the process, so a stuck model is ended by killing the child.
 */
interface Bound {
  readonly binding: Binding;
  readonly batchRows: number;
  readonly layout: SlabLayout;
  /** Memory was short for more rows than these: remembered for the run. */
  readonly limit: { rows: number };
  readonly proofs: { padded: number };
  readonly policy: ExactPolicy;
  /** The model as it is to be given batches; null before the first. */
  session: ModelSession | null;
  readonly kept: KeptRows | null;
}

/** What a slab of 16,384 rows fetches at least: a collection a slab costs nothing there, but a third of the time of tiny ones. */
const COLLECT_BYTES = 64 * 1024;
const TEXT_BYTES = 32;

const port = parentPort!;
const control = new Int32Array((workerData as { control: SharedArrayBuffer }).control);
const bindings = new Map<number, Bound>();
let session: ModelSession | null = null;
let model: ModelInfo | null = null;
let kept: KeptRows | null = null;
/** The dictionaries of string features by walk: the next chunk's slabs come before the last one is forgotten. */
const texts = new Map<number, string[]>();
const NO_TEXTS: readonly string[] = [];
let fetchedBytes = 0;
let batchStarted = 0;
let runMs = 0;
let queue: Promise<void> = Promise.resolve();

const send = (message: FromThread): void => {
  const moved =
    message.kind === 'scored'
      ? message.columns.flatMap((c) => (c.kind === 'text' ? [] : [c.data.buffer as ArrayBuffer]))
      : [];
  port.postMessage(message, moved);
};

const onBatch = (isBusy: boolean): void => {
  if (isBusy) batchStarted = performance.now();
  else if (batchStarted > 0) runMs += performance.now() - batchStarted;
  if (!isBusy) batchStarted = 0;
  if (isBusy) Atomics.add(control, CONTROL.batches, 1);
  Atomics.store(control, CONTROL.isBusy, isBusy ? 1 : 0);
};

// Loading is no batch: whoever asked for it has a deadline of its own.
async function load(message: ToThread & { kind: 'load' }): Promise<void> {
  const loaded = await loadModelFile(message, message);
  ({ session } = loaded);
  // Children are ended with SIGKILL, so nothing else would ever keep what this thread has compiled.
  flushCompileCache?.();
  const { info } = loaded;
  model = info;
  const { isCopying } = loaded.session;
  send({ kind: 'loaded', info, isCopying });
}

// Fetched tensors are native memory: left alone, 20 MiB a thread pile up over ten million rows.
function reclaimFetched(columns: readonly PredictionColumn[]): void {
  for (const column of columns)
    fetchedBytes += column.kind === 'text' ? TEXT_BYTES * column.data.length : column.data.byteLength;
  if (fetchedBytes < COLLECT_BYTES) return;
  fetchedBytes = 0;
  collectYoung();
}

function learn(walk: number, newTexts: readonly string[]): readonly string[] {
  const known = texts.get(walk);
  if (newTexts.length === 0) return known ?? NO_TEXTS;
  const all = known ?? [];
  if (known === undefined) texts.set(walk, all);
  for (const text of newTexts) all.push(text);
  return all;
}

async function score(message: ToThread & { kind: 'score' }): Promise<void> {
  const bound = bindings.get(message.bindingId);
  if (session === null || bound === undefined) throw new TypeError('score before load and bind');
  const known = learn(message.walk, message.newTexts);
  const started = performance.now();
  runMs = 0;
  bound.session ??= obeying(session, bound.policy);
  bound.kept?.add(bound, known, message.buffer, message.spans);
  const result = await scoreSlab(bound.session, { ...bound, texts: known, onBatch }, message.buffer, message.spans);
  send({ kind: 'scored', ticket: message.ticket, ...result, runMs, scoreMs: performance.now() - started });
  reclaimFetched(result.columns);
}

async function tryOut({ ticket, binding, rows }: ToThread & { kind: 'try' }): Promise<void> {
  if (session === null) throw new TypeError('try before load');
  send({ kind: 'tried', ticket, found: await tryBinding(session, binding, rows, onBatch) });
}

// Lists of any length are fed as the job does; all else as the model declares, which is how a server tries it.
async function certify({ ticket, binding, wish }: ToThread & { kind: 'certify' }): Promise<void> {
  if (session === null || model === null) throw new TypeError('certify before load');
  const declared = probesOf(session, onBatch);
  const bound = binding === null ? [] : [bindingProbe(session, binding, onBatch)];
  const isBoundFirst = kept !== null || binding?.lengths !== undefined;
  const probes = isBoundFirst ? [...bound, ...declared] : [...declared, ...bound];
  const found = await certifySession(probes, model.dynamicQuantization, wish, kept?.feeds ?? null);
  kept = null;
  send({ kind: 'certified', ticket, found });
}

function bind(message: ToThread & { kind: 'bind' }): void {
  if (message.isKept === true) kept = new KeptRows();
  bindings.set(message.bindingId, {
    ...message,
    limit: { rows: message.mostRows },
    proofs: { padded: 0 },
    policy: message.policy ?? 'plain',
    session: null,
    kept: message.isKept === true ? kept : null,
  });
}

async function handle(message: ToThread): Promise<void> {
  try {
    if (message.kind === 'load') await load(message);
    else if (message.kind === 'bind') bind(message);
    else if (message.kind === 'score') await score(message);
    else if (message.kind === 'try') await tryOut(message);
    else if (message.kind === 'certify') await certify(message);
    else if (message.kind === 'forget') texts.delete(message.walk);
    else {
      await session?.close();
      port.close();
    }
  } catch (error) {
    onBatch(false);
    const ticket = 'ticket' in message ? message.ticket : null;
    send({ kind: 'failed', ticket, error: toErrorJson(toPrescoreError(error, 'MODEL_FAILED'), true) });
  }
}

port.on('message', (message: ToThread) => {
  queue = queue.then(() => handle(message));
});
