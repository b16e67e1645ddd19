import { CPU_DEVICE } from '../../base/contract/device.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import type { NativeModel } from '../native/native-model.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { finishSums } from '../trees/finish-sums.ts';
import { floatsOf } from '../trees/float-arrays.ts';
import { plainLeaves } from '../trees/plain-scores.ts';
import { Contributions } from './contributions.ts';
import { labels, ofAnswer, probabilities, transformed } from './native-answers.ts';
import { NATIVE_OUTPUT, type NativeFeature, nativeFeatures, nativeSignature, OF_ANSWER } from './native-signature.ts';

/** A model as its trainer saved it, evaluated without ONNX Runtime. */
export class NativeSession implements ModelSession {
  readonly signature: Signature;
  readonly granted = CPU_DEVICE;
  readonly isCopying = false;
  private readonly model: NativeModel;
  private readonly kernel: TreeKernel;
  private readonly features: readonly NativeFeature[] | null;
  private contributions: Contributions | null = null;

  constructor(model: NativeModel, kernel: TreeKernel) {
    this.model = model;
    this.kernel = kernel;
    this.features = nativeFeatures(model);
    this.signature = nativeSignature(model, this.features);
  }

  /** See `ModelSession.run`. Errors: RangeError where rows have another width; MODEL_INVALID where contributions are
   * asked of trees that are too deep. */
  async run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>> {
    const { ensemble, outputs } = this.model;
    const rows = this.rowsOf(feeds);
    const count = rows.length / ensemble.features;
    const raw = floatsOf(ensemble.sums, count * ensemble.targets);
    this.kernel.sum(rows, count, raw);
    finishSums(ensemble, raw);
    const dims = ensemble.targets === 1 ? [count] : [count, ensemble.targets];
    const values = new Map<string, TensorValue>([[NATIVE_OUTPUT.raw, { type: ensemble.sums, dims, data: raw }]]);
    const isExplained = fetches.includes(NATIVE_OUTPUT.contributions) || fetches.includes(OF_ANSWER);
    const contributions = isExplained ? this.explain(rows, raw) : null;
    if (contributions !== null) values.set(NATIVE_OUTPUT.contributions, contributions);
    if (fetches.includes(NATIVE_OUTPUT.leaf))
      values.set(NATIVE_OUTPUT.leaf, {
        type: 'int32',
        dims: [count, ensemble.roots.length],
        data: plainLeaves(ensemble, rows),
      });
    if (!fetches.some((name) => !values.has(name))) return values;
    const answers = transformed(this.model, raw);
    if (outputs.classes === 0) values.set(NATIVE_OUTPUT.prediction, { type: outputs.arithmetic, dims, data: answers });
    if (outputs.classes > 0 && fetches.includes(NATIVE_OUTPUT.prediction))
      values.set(NATIVE_OUTPUT.prediction, labels(this.model, answers, raw));
    if (outputs.classes > 0 && fetches.includes(NATIVE_OUTPUT.probability))
      values.set(NATIVE_OUTPUT.probability, probabilities(this.model, answers));
    if (contributions !== null && fetches.includes(OF_ANSWER))
      values.set(OF_ANSWER, ofAnswer(this.model, answers, raw, contributions.data as Float64Array));
    return values;
  }

  async close(): Promise<void> {}

  private explain(rows: Float32Array | Float64Array, raw: Float32Array | Float64Array): TensorValue {
    this.contributions ??= new Contributions(this.model.ensemble);
    return this.contributions.of(rows, raw);
  }

  private rowsOf(feeds: ReadonlyMap<string, TensorValue>): Float32Array | Float64Array {
    const { features: width, values } = this.model.ensemble;
    if (this.features === null) {
      const all = feeds.get(this.signature.inputs[0]!.name)!;
      if (all.dims[1] !== width)
        throw new RangeError(`the model asks for ${width} features, and rows have ${all.dims[1]}`);
      return all.data as Float32Array;
    }
    const count = feeds.get(this.features[0]!.name)!.dims[0]!;
    const rows = floatsOf(values, count * width);
    this.features.forEach(({ name, places }, feature) => {
      const { data } = feeds.get(name)!;
      if (places === null) copyColumn(data as Float32Array, rows, feature, width);
      // What no category is, is missing: the trainers' own way with tables.
      else
        for (let row = 0, at = feature; row < count; row++, at += width)
          rows[at] = places.get(data[row] as string) ?? Number.NaN;
    });
    return rows;
  }
}

function copyColumn(
  from: Float32Array | Float64Array,
  rows: Float32Array | Float64Array,
  at: number,
  width: number,
): void {
  for (let row = 0, to = at; row < from.length; row++, to += width) rows[to] = from[row]!;
}
