import { createHash } from 'node:crypto';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
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

/**
 * Reads a model's structure and refuses what prescore must not or cannot run, before ONNX Runtime opens it: external
 * data (files of the host would become weights), operators of unknown domains.
 *
 * Errors: MODEL_CHECKSUM, MODEL_INVALID, MODEL_EXTERNAL_DATA, MODEL_CUSTOM_OP. Owns: `bytes` stays the caller's.
 */
export function inspectModel(bytes: Uint8Array, where: string, pinned: string | null): ModelFacts {
  const sha256 = checkedDigest(bytes, where, pinned);
  const file = readOnnxFile(bytes, where);
  if (file.externalTensors.length > 0) {
    const names = file.externalTensors.slice(0, 3).join(', ');
    const what = `${file.externalTensors.length} tensors keep their data in other files (${names}${file.externalTensors.length > 3 ? ', …' : ''})`;
    throw new PrescoreError('MODEL_EXTERNAL_DATA', { what, where });
  }
  const custom = [...file.operators].filter((operator) => {
    const domain = operator.slice(0, operator.lastIndexOf(':'));
    return !KNOWN_DOMAINS.has(domain) && !file.functionDomains.has(domain);
  });
  if (custom.length > 0) {
    throw new PrescoreError('MODEL_CUSTOM_OP', { what: `model uses ${custom.sort().slice(0, 5).join(', ')}`, where });
  }
  const featureNames = featureNamesOf(file.metadata);
  return {
    ...(featureNames === null ? {} : { featureNames }),
    sha256,
    bytes: bytes.length,
    irVersion: file.irVersion,
    opsets: file.opsets,
    producer: file.producer,
    dynamicQuantization: file.operators.has('ai.onnx:DynamicQuantizeLinear'),
    file,
  };
}

/** The sha256 of a model's bytes. Errors: MODEL_CHECKSUM where another one is pinned. */
export function checkedDigest(bytes: Uint8Array, where: string, pinned: string | null): string {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (pinned === null || pinned === sha256) return sha256;
  const what = 'model has another sha256';
  throw new PrescoreError('MODEL_CHECKSUM', { what, where, expected: pinned, got: sha256 });
}
