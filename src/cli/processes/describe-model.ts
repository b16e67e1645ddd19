import type { ModelFile } from '../../base/contract/model-files.ts';
import type { ModelKind } from '../../base/contract/registry.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { sampleOfFile } from '../../base/formats/file-sample.ts';
import { MODEL_NAMES, modelNameOf, type NamedModel } from '../../base/formats/model-names.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import { withFileErrors } from '../../data/file-store/file-errors.ts';
import { foreignModel } from '../../model/onnx/foreign-model.ts';
import type { ModelBench } from './model-bench.ts';
import { TRIAL_MODEL } from './trial-scorer.ts';

/** What a registry writes down of a model. */
export interface ModelDescription {
  readonly kind: ModelKind;
  /** What its file is called in a version's folder. */
  readonly main: string;
  /** Null where it was not loaded. */
  readonly signature: Signature | null;
  readonly opset: Readonly<Record<string, number>> | null;
  /** Of the columns of its one input; null where the file has none. */
  readonly featureNames: readonly string[] | null;
}

/**
 * Loads a model in a child of the bench, as a run would, and says what it is; without a bench by the first bytes of its file alone.
 *
 * Errors: that of whoever refuses the model; SCORER_CRASHED, SCORER_DEADLINE; MODEL_INVALID for a file of no kind that is read.
 */
export async function describeModel(model: ModelFile, bench: ModelBench | null): Promise<ModelDescription> {
  const named = await kindOf(model);
  if (bench === null) return { ...(named ?? (await refuse(model))), signature: null, opset: null, featureNames: null };
  const found = await bench.ask({ kind: 'inspect', model, warm: TRIAL_MODEL, batchBytes: null });
  if (found.refusal !== null) throw fromErrorJson(found.refusal);
  const { opsets } = found.about;
  const opset = Object.keys(opsets).length === 0 ? null : opsets;
  const { signature = null, featureNames = null } = found.loaded ?? {};
  return { ...(named ?? MODEL_NAMES.onnx), signature, opset, featureNames };
}

async function kindOf({ path, where }: ModelFile): Promise<NamedModel | null> {
  const found = recogniseFile(await withFileErrors(path, () => sampleOfFile(path, where)));
  return found === null ? null : modelNameOf(found.kind);
}

async function refuse({ path, where }: ModelFile): Promise<never> {
  const what = 'the file is of no kind of model that is read';
  const sample = await withFileErrors(path, () => sampleOfFile(path, where));
  throw foreignModel(sample, where) ?? new PrescoreError('MODEL_INVALID', { what, where });
}
