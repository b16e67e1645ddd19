import { createHash } from 'node:crypto';
import type { WeightsFile } from '../../base/contract/model-files.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { OnnxFile } from './onnx-file.ts';

const LONGEST = 1024;

/**
 * The names of the files beside a model that hold its weights, as keys below the model's folder, in byte order.
 *
 * Errors: MODEL_EXTERNAL_DATA for a place that is not below it: the graph must not choose which files of the host become weights. (To ONNX
 * Runtime a place that begins with an asterisk is an address in memory.)
 */
export function externalFiles(file: OnnxFile, where: string): string[] {
  const names = [...file.externalTensors].map(([location, tensor]) => plainLocation(location, tensor, where));
  return [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function plainLocation(location: string, tensor: string, where: string): string {
  const steps = location.split('/').filter((step) => step !== '.');
  const isPlain =
    location.length <= LONGEST &&
    !/[\\\0]|^[A-Za-z]:/.test(location) &&
    !location.startsWith('*') &&
    steps.every((step) => step !== '' && step !== '..');
  if (isPlain && steps.length > 0) return steps.join('/');
  throw new PrescoreError('MODEL_EXTERNAL_DATA', {
    what: `tensor ${tensor} keeps its data in a place that is not beside the model`,
    where,
    expected: "a relative path below the model's folder",
    got: JSON.stringify(location.slice(0, LONGEST)),
  });
}

/**
 * One digest over all files of a model: of one file, its own sha256. Of several, the sha256 of lines as `sha256sum` writes them: that of the graph alone, without a
 * name (the file may be renamed), then those of its weights in byte order of their names.
 */
export function digestOfFiles(graph: string, weights: readonly WeightsFile[]): string {
  if (weights.length === 0) return graph;
  const lines = weights.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  return createHash('sha256')
    .update(`${graph}\n${lines.join('')}`)
    .digest('hex');
}

/** Of all of them together. */
export function weightsBytes(weights: readonly WeightsFile[]): number {
  return weights.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Errors: MODEL_EXTERNAL_DATA where the graph names files that the model does not come with. */
export function requireWeights(file: OnnxFile, weights: readonly WeightsFile[], where: string): void {
  const there = new Set(weights.map(({ name }) => name));
  const missing = externalFiles(file, where).filter((name) => !there.has(name));
  if (missing.length > 0) throw missingWeights(missing, where);
}

/** The refusal of a model whose weights are not there. */
export function missingWeights(names: readonly string[], where: string): PrescoreError {
  const shown = names.slice(0, 3).join(', ');
  return new PrescoreError('MODEL_EXTERNAL_DATA', {
    what: `the model keeps weights in ${names.length === 1 ? 'a file' : `${names.length} files`} that ${names.length === 1 ? 'is' : 'are'} not beside it: ${shown}${names.length > 3 ? ', …' : ''}`,
    where,
  });
}
