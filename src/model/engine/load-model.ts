import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { ModelFile } from '../../base/contract/model-files.ts';
import type { ExplainSignature, ModelInfo, Signature } from '../../base/contract/signature.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sampleOf } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { NativeModel } from '../native/native-model.ts';
import { isNativeKind, readNativeModel } from '../native/read-native-model.ts';
import { digestOfFiles, weightsBytes } from '../onnx/external-data.ts';
import { checkPin, inspectModel, type ModelFacts, type ModelWhole, sha256Of } from '../onnx/inspect-model.ts';
import { readStructure } from '../onnx/model-structure.ts';
import { type OnnxFile, readOnnxFile } from '../onnx/onnx-file.ts';
import { checkedKernel } from './checked-kernel.ts';
import { CLASSIFIERS, type ClassLabels, classLabels } from './class-labels.ts';
import { type CutMaps, cutMaps } from './cut-maps.ts';
import { NativeSession } from './native-session.ts';
import { readOnnxGraph } from './onnx-graph.ts';
import { type EngineChoice, type EngineOptions, engineOf, type OpenedModel, openModel } from './open-model.ts';
import { withTrueShapes } from './true-shapes.ts';

/** A model that scores, and what is told of it. */
export interface LoadedModel {
  readonly session: ModelSession;
  readonly info: ModelInfo;
  /** What evaluates it, and why; a trainer's own file is never given to ONNX Runtime, so nothing was compared. */
  readonly choice: EngineChoice | { readonly engine: 'trees'; readonly checkedRows: number; readonly speedup: null };
}

/**
 * Loads a model of any format that is read: ONNX, or a trainer's own file, told by its content.
 *
 * Errors: MODEL_CHECKSUM, MODEL_INVALID; those of `inspectModel` and `OnnxSession.open`, and of the file system.
 */
export async function loadModelFile(model: ModelFile, given: EngineOptions): Promise<LoadedModel> {
  const { path, where, sha256, weights = [], background = null } = model;
  const options = { ...given, background };
  const { bytes, weightBytes } = readStructure(path);
  const isWhole = weightBytes === 0;
  const digest = digestOfFiles(isWhole ? sha256Of(bytes) : await fileDigest(path), weights);
  const size = statSync(path).size + weightsBytes(weights);
  const whole = { sha256: digest, bytes: size, weights };
  const isByPath = !isWhole || weights.length > 0;
  return load({ bytes, isWhole, whole, path: isByPath ? path : null }, sha256, options, where);
}

/** The same of a model that is one file, and at hand. Owns: `bytes` may be dropped afterwards. */
export function loadModel(
  bytes: Uint8Array,
  pinned: string | null,
  options: EngineOptions,
  where: string,
): Promise<LoadedModel> {
  const whole = { sha256: sha256Of(bytes), bytes: bytes.length, weights: [] };
  return load({ bytes, isWhole: true, whole, path: null }, pinned, options, where);
}

/** A model whose structure has been read. `isWhole`: so is all of its file; `path`: set where ONNX Runtime reads the weights itself. */
interface ReadModel {
  readonly bytes: Uint8Array;
  readonly isWhole: boolean;
  readonly whole: ModelWhole;
  readonly path: string | null;
}

async function load(
  model: ReadModel,
  pinned: string | null,
  options: EngineOptions,
  where: string,
): Promise<LoadedModel> {
  const { bytes, isWhole, whole, path } = model;
  const kind = recogniseFile(sampleOf(bytes, where))?.kind;
  if (kind !== undefined && isNativeKind(kind)) return loadNative(bytes, pinned, options, where);
  const { file, ...facts } = inspectModel(bytes, where, pinned, whole);
  if (file.operators.has('ai.onnx.ml:ZipMap')) {
    // Weights that were passed over are needed to write the graph anew.
    const cut = cutMaps(isWhole || path === null ? bytes : readFileSync(path));
    if (cut !== null) return loadCut(cut, model, facts, options, where);
  }
  const opened = await openModel(path ?? bytes, file, options, where);
  return loadedOf(opened, facts, file, bytes, NO_LABELS);
}

type Facts = Omit<ModelFacts, 'file'>;

// A graph whose weights lie beside it is written there, so that they are found.
async function loadCut(
  { bytes, labels }: CutMaps,
  { whole, path }: ReadModel,
  facts: Facts,
  options: EngineOptions,
  where: string,
): Promise<LoadedModel> {
  const file = readOnnxFile(bytes, where);
  if (path === null || whole.weights.length === 0)
    return loadedOf(await openModel(bytes, file, options, where), facts, file, bytes, labels);
  const beside = `${path}.cut-${process.pid}-${threadId}`;
  writeFileSync(beside, bytes);
  try {
    return await loadedOf(await openModel(beside, file, options, where), facts, file, bytes, labels);
  } finally {
    rmSync(beside, { force: true });
  }
}

async function loadedOf(
  { session: opened, choice }: OpenedModel,
  facts: Facts,
  file: OnnxFile,
  bytes: Uint8Array,
  labels: ReadonlyMap<string, ClassLabels>,
): Promise<LoadedModel> {
  const { granted } = opened;
  const { session, signature: shown } = await withTrueShapes(opened);
  const signature = withClasses(shown, file, bytes, labels);
  const device = granted.device === 'cpu' ? {} : { device: granted };
  const explains = choice.engine === 'trees' ? session.signature.explains : unexplained(choice.why, file);
  return {
    session,
    info: {
      ...facts,
      signature: explains === undefined ? signature : { ...signature, explains },
      ...engineOf(choice),
      ...device,
    },
    choice,
  };
}

/** Of trees that are left to ONNX Runtime, which gives scores alone. */
function unexplained(why: string, { operators }: OnnxFile): ExplainSignature | undefined {
  const isTrees = [...operators].some((operator) => operator.startsWith('ai.onnx.ml:TreeEnsemble'));
  if (!isTrees) return undefined;
  return { tensor: '', targets: 0, ofAnswer: null, features: [], why: `its trees are left to ONNX Runtime: ${why}` };
}

const NO_LABELS: ReadonlyMap<string, ClassLabels> = new Map();

function withClasses(
  { inputs, outputs }: Signature,
  file: OnnxFile,
  bytes: Uint8Array,
  known: ReadonlyMap<string, ClassLabels>,
): Signature {
  const isClassifier = CLASSIFIERS.some((operator) => file.operators.has(`ai.onnx.ml:${operator}`));
  const found = isClassifier ? classLabels(readOnnxGraph(bytes)) : NO_LABELS;
  const named = outputs.map((output) => {
    const classes = known.get(output.name) ?? found.get(output.name);
    return classes === undefined ? output : { ...output, classes };
  });
  return { inputs, outputs: named };
}

const NAMES = { lightgbm: 'LightGBM', xgboost: 'XGBoost', catboost: 'CatBoost' } as const;

// Values of such columns would be taken for others, in silence.
function refuseCategories({ looseCategories, categories }: NativeModel, where: string): void {
  if (looseCategories.length > 0)
    throw new PrescoreError('MODEL_INVALID', {
      what: 'the model has lists of categories, and does not say which features they are of',
      where: `${where}, pandas_categorical`,
      expected: 'a list for every categorical feature, and no other',
      got: `${looseCategories.length} lists`,
      fix: 'Train it with unordered category columns and without naming categorical_feature, or with their codes as numbers.',
    });
  const isRounded = (value: unknown): boolean => Number.isInteger(value) && !Number.isSafeInteger(value);
  if (categories.some(({ values }) => values.some(isRounded)))
    throw new PrescoreError('MODEL_INVALID', {
      what: 'a category is a whole number beyond 2^53',
      where,
      fix: 'Train it with such categories as texts.',
    });
}

function loadNative(bytes: Uint8Array, pinned: string | null, options: EngineOptions, where: string): LoadedModel {
  const sha256 = checkPin(sha256Of(bytes), where, pinned);
  if (options.device !== 'cpu') {
    const what = "a trainer's own file is scored on the CPU";
    throw new PrescoreError('PROVIDER_UNAVAILABLE', { what, where: 'execution.device', got: options.device });
  }
  const model = readNativeModel(bytes, where);
  refuseCategories(model, where);
  const { kernel, checkedRows } = checkedKernel(model.ensemble);
  const session = new NativeSession(model, kernel, options.background ?? null);
  const info: ModelInfo = {
    sha256,
    bytes: bytes.length,
    irVersion: 0,
    opsets: {},
    producer: NAMES[model.kind],
    signature: session.signature,
    dynamicQuantization: false,
    engine: { name: 'trees', checkedRows },
  };
  return { session, info, choice: { engine: 'trees', checkedRows, speedup: null } };
}
