import { createHash } from 'node:crypto';
import type { WeightsFile } from '../../base/contract/model-files.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { customOperators } from './custom-operators.ts';
import { requireWeights } from './external-data.ts';
import { featureNamesOf } from './feature-names.ts';
import { type OnnxFile, readOnnxFile } from './onnx-file.ts';

/** Operator domains that the prebuilt ONNX Runtime carries. */
const KNOWN_DOMAINS = new Set([
  'ai.onnx',
  'ai.onnx.ml',
  'com.microsoft',
  'com.ms.internal.nhwc',
  'ai.onnx.preview.training',
]);

/** Facts of a model file that are known without ONNX Runtime. */
export type ModelFacts = Omit<ModelInfo, 'signature' | 'device'> & { readonly file: OnnxFile };

/** The files of a model: the digest over all, their bytes together, those beside the graph. */
export interface ModelWhole {
  readonly sha256: string;
  readonly bytes: number;
  readonly weights: readonly WeightsFile[];
}

/**
 * Reads a model's structure and refuses what prescore must not or cannot run, before ONNX Runtime opens it: weights that lie elsewhere than
 * in its own files, operators of unknown domains. `whole`: of what `bytes` are the structure; left out, they are all of it.
 *
 * Errors: MODEL_CHECKSUM, MODEL_INVALID, MODEL_EXTERNAL_DATA, MODEL_CUSTOM_OP, MODEL_STATEFUL. Owns: `bytes` stays the caller's.
 */
export function inspectModel(
  bytes: Uint8Array,
  where: string,
  pinned: string | null,
  whole: ModelWhole = { sha256: sha256Of(bytes), bytes: bytes.length, weights: [] },
): ModelFacts {
  const sha256 = checkPin(whole.sha256, where, pinned);
  const file = readOnnxFile(bytes, where);
  requireWeights(file, whole.weights, where);
  const custom = [...file.operators].filter((operator) => {
    const domain = operator.slice(0, operator.lastIndexOf(':'));
    return !KNOWN_DOMAINS.has(domain) && !file.functionDomains.has(domain);
  });
  if (custom.length > 0) {
    throw customOperators(custom.sort(), where);
  }
  if (file.isInTraining) throw inTraining(where);
  const featureNames = featureNamesOf(file.metadata);
  return {
    ...(featureNames === null ? {} : { featureNames }),
    sha256,
    bytes: whole.bytes,
    ...(whole.weights.length === 0 ? {} : { weights: whole.weights }),
    irVersion: file.irVersion,
    opsets: file.opsets,
    producer: file.producer,
    dynamicQuantization: file.operators.has('ai.onnx:DynamicQuantizeLinear'),
    file,
  };
}

// ONNX Runtime writes the new means over those of the model, so that every answer goes by all batches before it; one NaN stays for good.
function inTraining(where: string): PrescoreError {
  return new PrescoreError('MODEL_STATEFUL', {
    what: 'a batch normalization is in training mode: its answers change with every batch that the model has seen',
    where,
    fix: 'Export it for inference: model.eval() before torch.onnx.export, without training=torch.onnx.TrainingMode.TRAINING.',
  });
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The digest. Errors: MODEL_CHECKSUM where another one is pinned. */
export function checkPin(sha256: string, where: string, pinned: string | null): string {
  if (pinned === null || pinned === sha256) return sha256;
  const what = 'model has another sha256';
  throw new PrescoreError('MODEL_CHECKSUM', { what, where, expected: pinned, got: sha256 });
}
