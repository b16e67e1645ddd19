import { open } from 'node:fs/promises';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { ModelKind } from '../../base/contract/registry.ts';
import type { Signature } from '../../base/contract/signature.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { FileKind } from '../../base/formats/file-kinds.ts';
import { readSample } from '../../base/formats/file-sample.ts';
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

type Named = Pick<ModelDescription, 'kind' | 'main'>;

const ONNX: Named = { kind: 'onnx', main: 'model.onnx' };
const KINDS: Partial<Record<FileKind, Named>> = {
  onnx: ONNX,
  'lightgbm-text': { kind: 'lightgbm', main: 'model.txt' },
  'xgboost-json': { kind: 'xgboost', main: 'model.json' },
  'xgboost-ubj': { kind: 'xgboost', main: 'model.ubj' },
  'catboost-json': { kind: 'catboost', main: 'model.json' },
  'catboost-cbm': { kind: 'catboost', main: 'model.cbm' },
};

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
  return { ...(named ?? ONNX), signature, opset, featureNames };
}

async function kindOf({ path, where }: ModelFile): Promise<Named | null> {
  const found = recogniseFile(await sampleOfFile(path, where));
  return found === null ? null : (KINDS[found.kind] ?? null);
}

async function refuse({ path, where }: ModelFile): Promise<never> {
  const what = 'the file is of no kind of model that is read';
  throw foreignModel(await sampleOfFile(path, where), where) ?? new PrescoreError('MODEL_INVALID', { what, where });
}

async function sampleOfFile(path: string, where: string): ReturnType<typeof readSample> {
  return withFileErrors(path, async () => {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const read = async (offset: number, length: number): Promise<Uint8Array> => {
        const bytes = new Uint8Array(length);
        await file.read(bytes, 0, length, offset);
        return bytes;
      };
      return await readSample(read, size, where);
    } finally {
      await file.close();
    }
  });
}
