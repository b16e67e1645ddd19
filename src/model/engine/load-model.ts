import type { ModelInfo, Signature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sampleOf } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { NativeModel } from '../native/native-model.ts';
import { isNativeKind, readNativeModel } from '../native/read-native-model.ts';
import { checkedDigest, inspectModel } from '../onnx/inspect-model.ts';
import { type OnnxFile, readOnnxFile } from '../onnx/onnx-file.ts';
import { checkedKernel } from './checked-kernel.ts';
import { CLASSIFIERS, type ClassLabels, classLabels } from './class-labels.ts';
import { cutMaps } from './cut-maps.ts';
import { NativeSession } from './native-session.ts';
import { readOnnxGraph } from './onnx-graph.ts';
import { type EngineOptions, engineOf, openModel } from './open-model.ts';

/** A model that scores, and what is told of it. */
export interface LoadedModel {
  readonly session: ModelSession;
  readonly info: ModelInfo;
}

/**
 * Loads a model of any format that is read: ONNX, or a trainer's own file, told by its content.
 *
 * Errors: MODEL_CHECKSUM, MODEL_INVALID; those of `inspectModel` and `OnnxSession.open`. Owns: `bytes` may be dropped afterwards.
 */
export async function loadModel(
  bytes: Uint8Array,
  pinned: string | null,
  options: EngineOptions,
  where: string,
): Promise<LoadedModel> {
  const kind = recogniseFile(sampleOf(bytes, where))?.kind;
  if (kind !== undefined && isNativeKind(kind)) return loadNative(bytes, pinned, options, where);
  const { file, ...facts } = inspectModel(bytes, where, pinned);
  const cut = file.operators.has('ai.onnx.ml:ZipMap') ? cutMaps(bytes) : null;
  const tensors = cut?.bytes ?? bytes;
  const opened = await openModel(tensors, cut === null ? file : readOnnxFile(tensors, where), options, where);
  const { session, choice } = opened;
  const { granted } = session;
  const signature = withClasses(session.signature, file, tensors, cut?.labels ?? NO_LABELS);
  const device = granted.device === 'cpu' ? {} : { device: granted };
  return { session, info: { ...facts, signature, ...engineOf(choice), ...device } };
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
  const sha256 = checkedDigest(bytes, where, pinned);
  if (options.device !== 'cpu') {
    const what = "a trainer's own file is scored on the CPU";
    throw new PrescoreError('PROVIDER_UNAVAILABLE', { what, where: 'execution.device', got: options.device });
  }
  const model = readNativeModel(bytes, where);
  refuseCategories(model, where);
  const { kernel, checkedRows } = checkedKernel(model.ensemble);
  const session = new NativeSession(model, kernel);
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
  return { session, info };
}
