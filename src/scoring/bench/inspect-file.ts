import { statSync } from 'node:fs';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { aboutModelFile, withSignature } from '../../model/about/model-about.ts';
import { timeOf } from '../../model/certify/time-of.ts';
import type { TrialStyle } from '../../model/certify/trial-rows.ts';
import type { ModelSession } from '../../model/elements/model-session.ts';
import { type LoadedModel, loadModel } from '../../model/engine/load-model.ts';
import { digestOfFiles } from '../../model/onnx/external-data.ts';
import { runtimeText } from '../../model/onnx/runtime-text.ts';
import { chooseCpuBatch } from '../child/probe-batch.ts';
import { refuseFixedBatch } from '../tensor/fixed-batch.ts';
import { autoBatchRows } from '../tensor/slab-layout.ts';
import type { BatchFacts, InspectedModel, MemoryFacts } from './bench-messages.ts';
import type { Feeds } from './compare-rows.ts';
import { type MadeInputs, type MadeRows, madeFeeds, madeInputs, rowsThatRun } from './made-inputs.ts';
import { AS_A_RUN, openBenchModel } from './open-bench-model.ts';
import { forgetPeak, peakBytes, settledBytes } from './resident.ts';
import { tryExact } from './try-exact.ts';

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
    const ways = waysOf(signature, where);
    const [first] = typeof ways === 'string' ? [] : ways;
    if (first?.fixedBatch != null) refuseFixedBatch(first.fixedBatch, first.fixedBatch * first.rowBytes, where);
    if (batchBytes === null) return found;
    const batch = await findBatch(session, ways, batchBytes);
    found = { ...found, loaded: { ...known, batch, exactness: null } };
    soFar(found);
    const exactness = await tryExact(session, info, batch.rows);
    return { ...found, loaded: { ...known, batch, exactness } };
  } catch (error) {
    return { ...found, refusal: toErrorJson(toPrescoreError(error)) };
  }
}

// In words, why nobody knows what its rows are: a job may still say which inputs columns feed.
function waysOf(signature: Signature, where: string): readonly MadeInputs[] | string {
  try {
    return madeInputs(signature, where);
  } catch (error) {
    return toPrescoreError(error).details.what;
  }
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

async function findBatch(
  session: ModelSession,
  ways: readonly MadeInputs[] | string,
  budgetBytes: number,
): Promise<BatchFacts> {
  const fetches = session.signature.outputs.filter((o) => o.type !== null && o.isOnRequest !== true).map((o) => o.name);
  const nothing = { feedBytes: 0, budgetBytes, rowBytes: null, rows: null };
  if (typeof ways === 'string') return { ...nothing, refused: ways };
  const run = (feeds: Feeds): Promise<unknown> => session.run(feeds, fetches);
  let trial: BatchTrial | null = null;
  try {
    trial = await BatchTrial.begin(await rowsThatRun(ways, run), run);
    const { fixedBatch, rowBytes: feedBytes } = trial.made;
    const tryRows = (count: number) => trial!.tryRows(count);
    const rows = fixedBatch ?? (await chooseCpuBatch(autoBatchRows(feedBytes), budgetBytes, tryRows)).batchRows;
    // Few rows say little of what one takes.
    await trial.tryRows(rows);
    return { feedBytes, budgetBytes, rowBytes: trial.rowBytes, rows, refused: null };
  } catch (error) {
    const feedBytes = trial?.made.rowBytes ?? ways[0]?.rowBytes ?? 0;
    return { ...nothing, feedBytes, rowBytes: trial?.rowBytes ?? null, refused: runtimeText(error) };
  }
}

/** The process grows by this much for other reasons. */
const NOISE_BYTES = 2 * 1024 * 1024;

/** Batches of made-up rows, and what the process grows by for them. */
class BatchTrial {
  /** Null where it did not grow. */
  rowBytes: number | null = null;
  readonly made: MadeInputs;
  private readonly style: TrialStyle;
  private readonly run: (feeds: Feeds) => Promise<unknown>;
  private readonly before: number;

  private constructor({ made, style }: MadeRows, run: (feeds: Feeds) => Promise<unknown>, before: number) {
    this.made = made;
    this.style = style;
    this.run = run;
    this.before = before;
  }

  static async begin(rows: MadeRows, run: (feeds: Feeds) => Promise<unknown>): Promise<BatchTrial> {
    await settledBytes();
    forgetPeak();
    return new BatchTrial(rows, run, peakBytes());
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
