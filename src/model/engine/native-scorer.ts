import type { TensorValue } from '../elements/elements.ts';
import type { NativeShape } from '../native/native-model.ts';
import type { TreeKernel } from '../tree-kernel/kernel.ts';
import { finishSums } from '../trees/finish-sums.ts';
import { floatsOf } from '../trees/float-arrays.ts';
import { labels, probabilities, transformed } from './native-answers.ts';
import { NATIVE_INPUT, NATIVE_OUTPUT, type NativeFeature, nativeFeatures } from './native-signature.ts';

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** From the columns of a trainer's model to what its `predict` answers, in one go. */
export class NativeScorer {
  readonly features: readonly NativeFeature[] | null;
  private readonly model: NativeShape;
  private readonly kernelOf: (rows: number) => TreeKernel;

  /** `kernelOf`: what sums so many rows. */
  constructor(model: NativeShape, kernelOf: (rows: number) => TreeKernel) {
    this.model = model;
    this.kernelOf = kernelOf;
    this.features = nativeFeatures(model);
  }

  /** Rows ([N, features]) of the feeds. Errors: RangeError where they have another width. Owns: it may be a feed's own array. */
  rowsOf(feeds: ReadonlyMap<string, TensorValue>): Float32Array | Float64Array {
    const { features: width, values } = this.model.ensemble;
    if (this.features === null) {
      const all = feeds.get(NATIVE_INPUT)!;
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

  /** Raw scores of rows. */
  raw(rows: Float32Array | Float64Array): Floats {
    const { ensemble } = this.model;
    const count = rows.length / ensemble.features;
    const raw = floatsOf(ensemble.sums, count * ensemble.targets);
    this.kernelOf(count).sum(rows, count, raw);
    finishSums(ensemble, raw);
    return raw;
  }

  /** Those of the outputs that are asked for and made of raw scores; these are always there. */
  answers(raw: Floats, fetches: readonly string[]): Map<string, TensorValue> {
    const { ensemble, outputs } = this.model;
    const count = raw.length / ensemble.targets;
    const dims = ensemble.targets === 1 ? [count] : [count, ensemble.targets];
    const values = new Map<string, TensorValue>([[NATIVE_OUTPUT.raw, { type: ensemble.sums, dims, data: raw }]]);
    const wants = (name: string): boolean => fetches.includes(name);
    if (!wants(NATIVE_OUTPUT.prediction) && !wants(NATIVE_OUTPUT.probability)) return values;
    const answers = transformed(this.model, raw);
    if (outputs.classes === 0) values.set(NATIVE_OUTPUT.prediction, { type: outputs.arithmetic, dims, data: answers });
    if (outputs.classes > 0 && wants(NATIVE_OUTPUT.prediction))
      values.set(NATIVE_OUTPUT.prediction, labels(this.model, answers, raw));
    if (outputs.classes > 0 && wants(NATIVE_OUTPUT.probability))
      values.set(NATIVE_OUTPUT.probability, probabilities(this.model, answers));
    return values;
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
