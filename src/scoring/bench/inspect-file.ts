import { statSync } from 'node:fs';
import type { ModelFile } from '../../base/contract/model-files.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { aboutModelFile, withSignature } from '../../model/about/model-about.ts';
import { certifySession } from '../../model/certify/certify-session.ts';
import { probesOf } from '../../model/certify/probe-inputs.ts';
import { timeOf } from '../../model/certify/time-of.ts';
import { TRIAL_STYLES, type TrialStyle } from '../../model/certify/trial-rows.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { type LoadedModel, loadModel } from '../../model/engine/load-model.ts';
import { digestOfFiles } from '../../model/onnx/external-data.ts';
import { runtimeText } from '../../model/onnx/runtime-text.ts';
import { chooseCpuBatch } from '../child/probe-batch.ts';
import { refuseFixedBatch } from '../tensor/fixed-batch.ts';
import { autoBatchRows } from '../tensor/slab-layout.ts';
import type { BatchFacts, ExactFacts, InspectedModel, MemoryFacts } from './bench-messages.ts';
import type { Feeds } from './compare-rows.ts';
import { type MadeInputs, madeFeeds, madeInputs, styleThatRuns } from './made-inputs.ts';
import { AS_A_RUN, openBenchModel } from './open-bench-model.ts';
import { forgetPeak, peakBytes, settledBytes } from './resident.ts';

const EXACT_MS = 2000;
const MOST_ROWS = 4096;
const FEW_ROWS = 257;

/**
 * What a model is and what it takes to run it, found by running it here. What is refused is an answer, not an error: with everything that
 * its file says of itself. `batchBytes`: what a scorer may use for one batch; null: batches are not tried. `soFar` is told what is known before
 * each step that may not end.
 *
 * Errors: those of reading the file.
 */
export async function inspectFile(
  model: ModelFile,
  warm: string,
  batchBytes: number | null,
  soFar: (found: InspectedModel) => void,
): Promise<InspectedModel> {
  const { path, where, weights = [] } = model;
  const about = aboutModelFile(path, where);
  const bytes = weights.reduce((sum, part) => sum + part.bytes, statSync(path).size);
  const facts = { bytes, weights, sha256: digestOfFiles(await fileDigest(path), weights) };
  let found: InspectedModel = { about, ...facts, loaded: null, refusal: null };
  soFar(found);
  try {
    const { loaded, memory } = await measured(model, warm);
    const { info, choice, session } = loaded;
    const { signature, dynamicQuantization } = info;
    const engine =
      choice.engine === 'trees'
        ? { name: 'trees' as const, checkedRows: choice.checkedRows, speedup: choice.speedup }
        : { name: 'onnxruntime' as const, why: choice.why };
    const known = { signature, dynamicQuantization, featureNames: info.featureNames ?? null, engine, memory };
    found = { ...found, about: withSignature(about, signature), loaded: { ...known, batch: null, exactness: null } };
    soFar(found);
    const made = madeInputs(signature);
    if (made.fixedBatch !== null) refuseFixedBatch(made.fixedBatch, made.fixedBatch * made.rowBytes, where);
    if (batchBytes === null) return found;
    const batch = await findBatch(session, made, batchBytes);
    found = { ...found, loaded: { ...known, batch, exactness: null } };
    soFar(found);
    const exactness = await tryExact(session, dynamicQuantization, batch.rows);
    return { ...found, loaded: { ...known, batch, exactness } };
  } catch (error) {
    return { ...found, refusal: toErrorJson(toPrescoreError(error)) };
  }
}

// Larger batches than those of a run are not tried.
async function tryExact(session: ModelSession, isQuantized: boolean, batchRows: number | null): Promise<ExactFacts> {
  const mostRows = Math.min(MOST_ROWS, batchRows ?? FEW_ROWS);
  const wish = { depth: 'quick', budgetMs: EXACT_MS, mostRows } as const;
  const { policy, why, rows } = await certifySession(
    probesOf(session, () => undefined),
    isQuantized,
    wish,
    null,
  );
  return { policy, why, rows };
}

async function measured(
  model: ModelFile,
  warm: string,
): Promise<{ readonly loaded: LoadedModel; readonly memory: MemoryFacts }> {
  const trial = await loadModel(Buffer.from(warm, 'base64'), null, AS_A_RUN, 'a trial');
  await trial.session.close();
  const before = await settledBytes();
  forgetPeak();
  const started = performance.now();
  const loaded = await openBenchModel(model);
  const loadMs = performance.now() - started;
  const peak = peakBytes();
  const after = await settledBytes();
  // What is left may be a page more than was looked at: it was there at the most too.
  const most = Math.max(peak, after);
  return {
    loaded,
    memory: { loadedBytes: Math.max(0, after - before), peakBytes: Math.max(0, most - before), loadMs },
  };
}

async function findBatch(session: ModelSession, made: MadeInputs, budgetBytes: number): Promise<BatchFacts> {
  const { fixedBatch, rowBytes: feedBytes } = made;
  const fetches = session.signature.outputs.filter((o) => o.type !== null && o.isOnRequest !== true).map((o) => o.name);
  const trial = new BatchTrial(made, (feeds) => session.run(feeds, fetches));
  const facts = { feedBytes, budgetBytes };
  try {
    const most = fixedBatch ?? autoBatchRows(feedBytes);
    await trial.begin();
    const rows = fixedBatch ?? (await chooseCpuBatch(most, budgetBytes, (count) => trial.tryRows(count))).batchRows;
    // Few rows say little of what one takes.
    await trial.tryRows(rows);
    return { ...facts, rowBytes: trial.rowBytes, rows, refused: null };
  } catch (error) {
    const refused = runtimeText(error);
    return { ...facts, rowBytes: trial.rowBytes, rows: null, refused };
  }
}

/** The process grows by this much for other reasons. */
const NOISE_BYTES = 2 * 1024 * 1024;

/** Batches of made-up rows, and what the process grows by for them. */
class BatchTrial {
  /** Null where it did not grow. */
  rowBytes: number | null = null;
  private readonly made: MadeInputs;
  private readonly run: (feeds: Feeds) => Promise<unknown>;
  private style: TrialStyle = TRIAL_STYLES[0]!;
  private before = 0;

  constructor(made: MadeInputs, run: (feeds: Feeds) => Promise<unknown>) {
    this.made = made;
    this.run = run;
  }

  /** Errors: what the runtime throws where it takes no made-up rows. */
  async begin(): Promise<void> {
    this.style = await styleThatRuns(this.made, this.run);
    await settledBytes();
    forgetPeak();
    this.before = peakBytes();
  }

  async tryRows(rows: number): Promise<{ readonly ms: number; readonly peakBytes: number }> {
    let ms = Number.POSITIVE_INFINITY;
    const feeds = madeFeeds(this.made, rows, this.style);
    for (let n = 0; n < 2; n++) ms = Math.min(ms, await timeOf(() => this.run(feeds)));
    const peak = peakBytes();
    const grown = peak - this.before;
    if (grown > NOISE_BYTES) this.rowBytes = Math.round(grown / rows);
    return { ms, peakBytes: peak };
  }
}
