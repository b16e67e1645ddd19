/**
 * The features on the way from a root to a node, each once, with what TreeSHAP keeps of them (Lundberg 2018, algorithm 2): the share of
 * training rows that go this way without knowing the feature, whether the row itself does, and the weights of sets of features by size.
 *
 * Levels of the walk have a row each in shared arrays, so that coming back up costs nothing.
 */
export class ShapPath {
  private readonly width: number;
  private readonly features: Int32Array;
  private readonly zeros: Float64Array;
  private readonly ones: Float64Array;
  private readonly weights: Float64Array;

  /** Room for `levels` nodes below each other with at most `width` different features. */
  constructor(levels: number, width: number) {
    // One entry stands for no feature, one more is in use while a path grows.
    this.width = width + 2;
    const size = levels * this.width;
    this.features = new Int32Array(size);
    this.zeros = new Float64Array(size);
    this.ones = new Float64Array(size);
    this.weights = new Float64Array(size);
  }

  /** Copies the first `count` entries of a level to the one below it. */
  copyDown(level: number, count: number): void {
    const [from, to] = [(level - 1) * this.width, level * this.width];
    for (const array of [this.features, this.zeros, this.ones, this.weights]) array.copyWithin(to, from, from + count);
  }

  /** Adds a feature behind the `count` entries of a level. */
  extend(level: number, count: number, feature: number, zero: number, one: number): void {
    const { weights } = this;
    const first = level * this.width;
    const last = first + count;
    this.features[last] = feature;
    this.zeros[last] = zero;
    this.ones[last] = one;
    weights[last] = count === 0 ? 1 : 0;
    for (let i = count - 1; i >= 0; i--) {
      const weight = weights[first + i]!;
      weights[first + i + 1]! += (one * weight * (i + 1)) / (count + 1);
      weights[first + i] = (zero * weight * (count - i)) / (count + 1);
    }
  }

  /** Where a feature stands among the entries 1 to `last` of a level; 0 where it does not. */
  find(level: number, last: number, feature: number): number {
    const first = level * this.width;
    for (let i = 1; i <= last; i++) if (this.features[first + i] === feature) return i;
    return 0;
  }

  featureAt(level: number, index: number): number {
    return this.features[level * this.width + index]!;
  }

  zeroAt(level: number, index: number): number {
    return this.zeros[level * this.width + index]!;
  }

  oneAt(level: number, index: number): number {
    return this.ones[level * this.width + index]!;
  }

  /** Takes an entry out again, of entries up to `last`. */
  unwind(level: number, last: number, index: number): void {
    const { features, zeros, ones, weights } = this;
    const first = level * this.width;
    const [zero, one] = [zeros[first + index]!, ones[first + index]!];
    let next = weights[first + last]!;
    for (let i = last - 1; i >= 0; i--) {
      const weight = weights[first + i]!;
      if (one === 0) weights[first + i] = (weight * (last + 1)) / (zero * (last - i));
      else {
        weights[first + i] = (next * (last + 1)) / ((i + 1) * one);
        next = weight - (weights[first + i]! * zero * (last - i)) / (last + 1);
      }
    }
    for (let i = first + index; i < first + last; i++) {
      features[i] = features[i + 1]!;
      zeros[i] = zeros[i + 1]!;
      ones[i] = ones[i + 1]!;
    }
  }

  /** The sum of the weights as if an entry were taken out. */
  unwoundSum(level: number, last: number, index: number): number {
    const first = level * this.width;
    const [zero, one] = [this.zeros[first + index]!, this.ones[first + index]!];
    let next = this.weights[first + last]!;
    let total = 0;
    for (let i = last - 1; i >= 0; i--) {
      const weight = this.weights[first + i]!;
      if (one === 0) total += (weight * (last + 1)) / (zero * (last - i));
      else {
        const taken = (next * (last + 1)) / ((i + 1) * one);
        total += taken;
        next = weight - (taken * zero * (last - i)) / (last + 1);
      }
    }
    return total;
  }
}
