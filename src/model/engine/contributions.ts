import type { TensorValue } from '../elements/elements.ts';
import type { Ensemble } from '../trees/ensemble.ts';
import { TreeShap } from '../trees/tree-shap.ts';

/** Contributions and raw score may differ by this, of the larger one; sums in float32 have rounded the score meanwhile. */
const TOLERANCE = { float32: 1e-4, float64: 1e-9 } as const;

/** Contributions of features to raw scores (TreeSHAP), checked row by row: together they are the score. */
export class Contributions {
  private readonly ensemble: Ensemble;
  private readonly shap: TreeShap;

  /** Errors: those of `TreeShap`. */
  constructor(ensemble: Ensemble) {
    this.ensemble = ensemble;
    this.shap = new TreeShap(ensemble, 'the model');
  }

  /**
   * [N, targets * (features + 1)] of rows ([N, features]): for each target its features in their order, then what the model answers on average.
   *
   * Errors: RangeError for a row whose contributions are not its score. Owns: `rows` and `raw` stay the caller's.
   */
  of(rows: Float32Array | Float64Array, raw: Float32Array | Float64Array): TensorValue {
    const { features, targets, sums } = this.ensemble;
    const count = rows.length / features;
    const width = targets * (features + 1);
    const data = new Float64Array(count * width);
    for (let row = 0; row < count; row++) {
      const out = data.subarray(row * width, (row + 1) * width);
      this.shap.explain((feature) => rows[row * features + feature]!, out);
      for (let target = 0; target < targets; target++) {
        const own = out.subarray(target * (features + 1), (target + 1) * (features + 1));
        const score = raw[row * targets + target]!;
        const sum = own.reduce((total, value) => total + value, 0);
        const scale = Math.max(
          1,
          Math.abs(score),
          own.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
        );
        if (!(Math.abs(sum - score) <= TOLERANCE[sums] * scale))
          throw new RangeError(`contributions add up to ${sum}, and the raw score is ${score}`);
      }
    }
    return { type: 'float64', dims: [count, width], data };
  }
}
