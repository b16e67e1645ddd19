import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromErrorJson, isPrescoreError, type PrescoreError, toErrorJson } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayCount, sayDuration, sayMany } from '../../base/telemetry/progress-line.ts';
import type { BatchFacts, EngineFacts, InspectedModel } from '../../scoring/bench/bench-messages.ts';
import { suggestBinding } from '../../scoring/draft/suggest-binding.ts';
import type { PlaceFlags } from '../commands/unwritten-job.ts';
import { printJson } from '../output/print-json.ts';
import { showPath } from '../output/print-summary.ts';
import { type ModelRow, modelRows, printRows } from '../output/say-model.ts';
import { sayExactness } from '../output/say-policy.ts';
import type { ModelBench } from '../processes/model-bench.ts';
import { TRIAL_MODEL } from '../processes/trial-scorer.ts';
import { defaultBatchBytes, type ModelPlace, withModelPlace } from './model-place.ts';

export interface InspectFlags extends PlaceFlags {
  readonly json?: boolean;
}

/** What was found of a model, and why no run takes it; nothing found where its file could not be fetched. */
interface Inspection {
  readonly found: InspectedModel | null;
  readonly refusal: PrescoreError | null;
}

/**
 * `prescore model inspect MODEL`: what a model is, and what a run would do with it. Exit code 0, or that of the refusal where a run would
 * refuse it.
 */
export async function inspectCommand(model: string, flags: InspectFlags): Promise<number> {
  return withModelPlace(model, flags, async (place) => {
    const inspection = await inspect(place);
    const { found, refusal } = inspection;
    if (flags.json === true) {
      const { loaded = null, about = null, bytes = null, weights = [], sha256 = null } = found ?? {};
      const said = refusal === null ? null : toErrorJson(refusal);
      printJson({
        event: 'model',
        uri: place.job.model.uri,
        bytes,
        weights,
        sha256,
        about,
        loaded,
        exactness: loaded?.exactness ?? null,
        refusal: said,
      });
    } else printRows([...inspectRows(place.job.model.uri, inspection)], process.stdout);
    return refusal?.exitCode ?? 0;
  });
}

async function inspect({ job, bench, scratchDir, fetch }: ModelPlace): Promise<Inspection> {
  const { uri } = job.model;
  let found: InspectedModel | null = null;
  try {
    const { path, weights, memoryBytes } = await fetch();
    const model = { path, weights, where: uri, sha256: null };
    const batchBytes = defaultBatchBytes(memoryBytes);
    found = await bench.ask({ kind: 'inspect', model, warm: TRIAL_MODEL, batchBytes }, (known) => {
      found = known;
    });
    return { found, refusal: found.refusal === null ? refusalByBinding(found, uri) : fromErrorJson(found.refusal) };
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    return { found: found ?? (await graphAlone(scratchDir, uri, bench)), refusal: error };
  }
}

// Weights that are missing or refused leave the graph behind, which says what the model would be.
async function graphAlone(scratchDir: string, uri: string, bench: ModelBench): Promise<InspectedModel | null> {
  const path = readdirSync(scratchDir)
    .map((name) => join(scratchDir, name, 'model.onnx'))
    .find((file) => existsSync(file));
  if (path === undefined) return null;
  const model = { path, where: uri, sha256: null };
  return bench.ask({ kind: 'inspect', model, warm: TRIAL_MODEL, batchBytes: null }).catch(() => null);
}

// What loads and still cannot be fed, whatever the table is: state, no axis for rows, inputs that are no tensors.
function refusalByBinding({ loaded }: InspectedModel, uri: string): PrescoreError | null {
  if (loaded === null) return null;
  const { signature } = loaded;
  try {
    suggestBinding({ signature }, [], { features: new Map(), exclude: new Set(), id: [] }, [], uri);
    return null;
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    // Without a table nothing fits; that is no fault of the model.
    const { inputs } = signature;
    const isOfTable =
      error.code === 'SIGNATURE_MISMATCH' && inputs.length > 0 && inputs.every(({ type }) => type !== null);
    return isOfTable ? null : error;
  }
}

function* inspectRows(uri: string, { found, refusal }: Inspection): Generator<ModelRow> {
  yield ['model', showPath(uri)];
  if (found !== null) {
    yield* modelRows(found.about);
    yield ['sha256', found.sha256];
    yield ['size', saySize(found)];
    if (found.loaded !== null && refusal === null) {
      const { engine, batch, exactness } = found.loaded;
      yield ['engine', sayEngine(engine)];
      if (batch !== null) yield ['batch', sayBatch(batch)];
      if (exactness !== null) yield ['exactness', sayExactness(exactness)];
    }
  }
  if (refusal === null) return;
  const { what, where, expected, got } = refusal.details;
  yield ['refused', `${refusal.code}: ${what}`];
  if (where !== undefined && where !== uri) yield ['', `at ${where}`];
  if (expected !== undefined || got !== undefined)
    yield [
      '',
      [expected === undefined ? [] : `expected ${expected}`, got === undefined ? [] : `got ${got}`].flat().join('; '),
    ];
  yield ['', `-> ${refusal.fix}`];
}

function saySize({ bytes, weights, loaded }: InspectedModel): string {
  const files = weights.length === 0 ? '' : ` in ${weights.length + 1} files`;
  if (loaded === null) return `${sayBytes(bytes)} on disk${files}`;
  const { loadedBytes, peakBytes, loadMs } = loaded.memory;
  return `${sayBytes(bytes)} on disk${files}, ${sayBytes(loadedBytes)} in memory (${sayBytes(peakBytes)} while it is loaded, ${sayMs(loadMs)})`;
}

function sayMs(ms: number): string {
  return ms < 1000 ? `${Math.ceil(ms)} ms` : sayDuration(ms / 1000);
}

function sayEngine(engine: EngineFacts): string {
  if (engine.name === 'onnxruntime') return `ONNX Runtime: ${engine.why}`;
  const { speedup, checkedRows } = engine;
  const rows = sayMany(checkedRows, 'row');
  if (speedup === null) return `prescore's trees; checked on ${rows} against the plain way`;
  return `prescore's trees, ${speedup.toFixed(1)} times as fast as ONNX Runtime, the same bits on ${rows}`;
}

function sayBatch({ rows, feedBytes, rowBytes, budgetBytes, refused }: BatchFacts): string {
  if (rows === null) return `not tried: the model refuses made-up rows (${refused ?? ''})`;
  const grown = rowBytes === null ? 'no more that can be measured' : `${sayBytes(rowBytes)} of memory`;
  return `${sayCount(rows)} rows by itself; a row is ${sayBytes(feedBytes)} of feeds and takes ${grown}; a batch may take ${sayBytes(budgetBytes)}`;
}
