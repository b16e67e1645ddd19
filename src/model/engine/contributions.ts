import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { TensorValue } from '../elements/elements.ts';
import { BackgroundWorth } from '../trees/background-worth.ts';
import { CoverWorth } from '../trees/cover-worth.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { LeafWays } from '../trees/leaf-ways.ts';
import { ShapExplainer } from '../trees/shap-explainer.ts';

/** Contributions and score may differ by this, of all that is added up. */
const TOLERANCE = 1e-9;
/** Raw scores that the model adds in float32 were rounded at every tree. */
const ROUNDED = 1e-4;

interface AllContributions extends TensorValue {
  readonly data: Float64Array;
}

/** Contributions of features to raw scores (TreeSHAP), checked row by row: together they are the score. */
export class Contributions {
  private readonly ensemble: Ensemble;
  private readonly explainer: ShapExplainer;

  private constructor(ensemble: Ensemble, explainer: ShapExplainer) {
    this.ensemble = ensemble;
    this.explainer = explainer;
  }

  /**
   * By what the file says of the training rows (path-dependent). Errors: MODEL_INVALID for a model without the weights of its leaves, or with
   * trees that are too deep.
   */
  static byCover(ensemble: Ensemble, where: string): Contributions {
    const { cover } = ensemble.leaves;
    if (cover === null)
      throw new PrescoreError('MODEL_INVALID', {
        what: 'the model does not say how many training rows its leaves had, which contributions need',
        where,
        fix: 'Save it with its trainer in its own format, or leave out contributions.',
      });
    const ways = new LeafWays(ensemble, where);
    return new Contributions(ensemble, new ShapExplainer(ensemble, ways, new CoverWorth(ensemble, cover, ways)));
  }

  /** By rows of a background ([N, features], interventional). Errors: MODEL_INVALID for trees that are too deep. */
  static byBackground(ensemble: Ensemble, rows: Float32Array | Float64Array, where: string): Contributions {
    const ways = new LeafWays(ensemble, where);
    const worth = new BackgroundWorth(ensemble, rows, ways.depth);
    return new Contributions(ensemble, new ShapExplainer(ensemble, ways, worth));
  }

  /**
   * [N, targets * (features + 1)] of rows ([N, features]): for each target its features in their order, then what the model answers on average.
   *
   * Errors: RangeError for a row whose contributions are not its score. Owns: `rows` and `raw` stay the caller's.
   */
  of(rows: Float32Array | Float64Array, raw: Float32Array | Float64Array): AllContributions {
    const { features, targets, sums, divisor, base } = this.ensemble;
    const count = rows.length / features;
    const stride = features + 1;
    const data = new Float64Array(count * targets * stride);
    this.explainer.explain(rows, data);
    const tolerance = sums === 'float32' ? ROUNDED : TOLERANCE;
    for (let i = 0; i < count * targets; i++) {
      const target = i % targets;
      const end = i * stride + features;
      const score = data[end]! / divisor + base[target]!;
      data[end] = this.explainer.expected[target]!;
      let [sum, scale] = [0, 0];
      for (let k = end - features; k <= end; k++) {
        sum += data[k]!;
        scale += Math.abs(data[k]!);
      }
      const own = raw[i]!;
      const isScore = Math.abs(sum - score) <= TOLERANCE * scale && Math.abs(score - own) <= tolerance * scale;
      if (!isScore) throw new RangeError(`contributions add up to ${sum}, and the raw score is ${own}`);
    }
    return { type: 'float64', dims: [count, targets * stride], data };
  }

  /** Of what `of` gives, the contributions to one score of each row: [N, features + 1]. */
  ofAnswer({ dims, data }: AllContributions, targetOf: (row: number) => number): TensorValue {
    const { features, targets } = this.ensemble;
    const count = dims[0]!;
    const width = features + 1;
    const one = new Float64Array(count * width);
    for (let row = 0; row < count; row++) {
      const from = (row * targets + targetOf(row)) * width;
      one.set(data.subarray(from, from + width), row * width);
    }
    return { type: 'float64', dims: [count, width], data: one };
  }
}
