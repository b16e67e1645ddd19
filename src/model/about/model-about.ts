import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { Signature, TensorSignature } from '../../base/contract/signature.ts';
import { sayFileKind } from '../../base/formats/file-kinds.ts';
import { sampleOf } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { NativeModel } from '../native/native-model.ts';
import { isNativeKind, readNativeModel } from '../native/read-native-model.ts';
import { readStructure } from '../onnx/model-structure.ts';
import { aboutOnnx } from './onnx-about.ts';

const NOTHING: ModelAbout = {
  format: 'a file of an unknown format',
  producer: '',
  irVersion: null,
  opsets: {},
  operators: [],
  inputs: [],
  outputs: [],
  parameters: 0,
  trees: null,
  metadata: {},
  classes: null,
  objective: null,
};

/**
 * What a model file says of itself, read without running it; of a file that cannot be read as a model, what it is. `where` names it in
 * recognising weights without a mark.
 *
 * Errors: none. Owns: nothing is kept of `bytes`.
 */
function aboutModel(bytes: Uint8Array, where: string): ModelAbout {
  const found = recogniseFile(sampleOf(bytes, where));
  const unread = found === null ? NOTHING : { ...NOTHING, format: sayFileKind(found) };
  try {
    if (found !== null && isNativeKind(found.kind)) return aboutNative(readNativeModel(bytes, where));
    return found === null || found.kind === 'onnx' ? aboutOnnx(bytes) : unread;
  } catch {
    // Why it cannot be read is said by whoever loads it.
    return found?.kind === 'onnx' ? { ...unread, format: 'ONNX, damaged' } : unread;
  }
}

/** The same of a file on this machine; weights are passed over. Errors: those of the file system. */
export function aboutModelFile(path: string, where: string): ModelAbout {
  return aboutModel(readStructure(path).bytes, where);
}

/** The same with the inputs and outputs that the model was loaded with, where the file declares none, or others that were made into these. */
export function withSignature(about: ModelAbout, { inputs, outputs }: Signature): ModelAbout {
  const shown = (known: ModelAbout['inputs'], tensor: TensorSignature): ModelAbout['inputs'][number] => {
    const { name, declared: type, dims, axes, isShapeless } = tensor;
    const own = known.find((one) => one.name === name && one.type === type);
    if (own !== undefined) return own;
    return { name, type, shape: isShapeless === true ? null : dims.map((dim, i) => dim ?? axes?.[i] ?? null) };
  };
  return {
    ...about,
    inputs: inputs.map((tensor) => shown(about.inputs, tensor)),
    outputs: outputs.map((tensor) => shown(about.outputs, tensor)),
  };
}

/** Makers of trainers' own files, by their kind. */
const NAMES = { lightgbm: 'LightGBM', xgboost: 'XGBoost', catboost: 'CatBoost' } as const;

function aboutNative({ kind, ensemble, classes, objective }: NativeModel): ModelAbout {
  const leaves = ensemble.leaves.first.length - 1;
  const trees = { trees: ensemble.roots.length, nodes: ensemble.nodes.feature.length + leaves, leaves };
  return { ...NOTHING, format: NAMES[kind], producer: NAMES[kind], trees, classes, objective: objective || null };
}
