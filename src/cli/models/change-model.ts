import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelAbout } from '../../base/contract/model-about.ts';
import type { ModelFile } from '../../base/contract/model-files.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { GraphLevel } from '../../scoring/bench/bench-messages.ts';
import { changeByPython } from '../processes/change-by-python.ts';
import type { ModelPlace } from './model-place.ts';

/** How a model is changed. */
export type Change =
  | { readonly kind: 'graph'; readonly level: GraphLevel }
  | { readonly kind: 'fp16'; readonly python: string }
  | { readonly kind: 'int8'; readonly python: string };

/** A changed model in a folder of this process. */
export interface ChangedModel {
  readonly path: string;
  readonly bytes: number;
  /** What was done, and with which tool. */
  readonly says: string;
}

type Tools = Pick<ModelPlace, 'bench' | 'stop'>;

/** `int8`, `graph-basic`: part of the name of the file. */
export function nameOf(change: Change): string {
  return change.kind === 'graph' ? `graph-${change.level}` : change.kind;
}

/** Operators whose weights a change reaches. */
const EIGHT_BITS = ['Conv', 'ConvTranspose', 'MatMul', 'Gemm', 'Gather'];
const HALVED = [...EIGHT_BITS, 'EmbedLayerNormalization', 'Attention', 'LSTM', 'GRU', 'RNN'];

/**
 * Refuses a change that would reach nothing: trees have thresholds, not layers, and what has no layers has nothing to make smaller.
 *
 * Errors: MODEL_NOT_CHANGED.
 */
export function refuseUnchangeable({ format, operators, trees }: ModelAbout, change: Change, where: string): void {
  const layers = operators.filter(({ name }) => (change.kind === 'int8' ? EIGHT_BITS : HALVED).includes(name));
  const isGraph = change.kind === 'graph' && format === 'ONNX' && (trees === null || operators.length > 1);
  if (isGraph || (format === 'ONNX' && layers.length > 0)) return;
  const named = operators.slice(0, 4).map(({ name, count }) => `${count} ${name}`);
  const is = operators.length === 0 ? format : named.join(', ');
  const what =
    trees === null
      ? `there is nothing to quantize: no layer with weights (${is})`
      : `there is nothing to quantize: the model is ${trees.trees} trees (${is}), whose thresholds decide and are kept exact`;
  const fix = 'Score it as it is: prescore evaluates trees itself (prescore help trees).';
  throw new PrescoreError('MODEL_NOT_CHANGED', { what, where, ...(trees === null ? {} : { fix }) });
}

/** Changes a model into a new file of `folder`. `feeds`: rows for calibration. Errors: those of the tool. */
export async function changeModel(
  model: ModelFile,
  change: Change,
  feeds: string | null,
  folder: string,
  tools: Tools,
): Promise<ChangedModel> {
  const path = join(folder, 'changed.onnx');
  const says = await make(model, change, feeds, path, tools);
  return { path, bytes: statSync(path).size, says };
}

async function make(
  model: ModelFile,
  change: Change,
  feeds: string | null,
  path: string,
  { bench, stop }: Tools,
): Promise<string> {
  if (change.kind === 'graph') {
    await bench.ask({ kind: 'graph', model, level: change.level, target: path });
    return `graph of level ${change.level}${PORTABLE[change.level]}`;
  }
  const args =
    change.kind === 'int8' ? (['int8', model.path, path, feeds ?? ''] as const) : (['fp16', model.path, path] as const);
  const { tool, changed } = await changeByPython(change.python, args, model.where, stop);
  const layers = `${changed.layers} ${change.kind === 'int8' ? 'layers in eight bits' : 'weights halved'}`;
  const kept = changed.kept === 0 ? '' : `, ${changed.kept} before the outputs kept`;
  return `${change.kind}: ${layers}${kept} (${tool})`;
}

/** What a graph of each level can be loaded by. */
const PORTABLE: Readonly<Record<GraphLevel, string>> = {
  basic: ', of ONNX operators alone',
  extended: ', with operators of ONNX Runtime',
  all: ', with operators of ONNX Runtime, for processors such as this one',
};
