/** Numbers of an entry: feature, zero, one, weight. */
const SIZE = 4;
const ZERO = 1;
const ONE = 2;
const WEIGHT = 3;

/**
 * The features on the way from a root to a node, each once, with what TreeSHAP keeps of them (Lundberg 2018, algorithm 2): the share of
 * training rows that go this way without knowing the feature (zero), whether the row itself does (one), and the weights of sets of features by
 * size.
 *
 * Levels of the walk have a row each in one array, so that coming back up costs nothing.
 */
export class ShapPath {
  private readonly stride: number;
  private readonly data: Float64Array;

  /** Room for `levels` nodes below each other with at most `width` different features. */
  constructor(levels: number, width: number) {
    // One entry stands for no feature, one more is in use while a path grows.
    this.stride = (width + 2) * SIZE;
    this.data = new Float64Array(levels * this.stride);
  }

  /** Copies the first `count` entries of a level to the one below it. */
  copyDown(level: number, count: number): void {
    const { data } = this;
    const to = level * this.stride;
    const from = to - this.stride;
    // A loop: the copies are too short for a call into the engine.
    for (let i = 0; i < count * SIZE; i++) data[to + i] = data[from + i]!;
  }

  /** Adds a feature behind the `count` entries of a level. */
  extend(level: number, count: number, feature: number, zero: number, one: number): void {
    const { data } = this;
    const first = level * this.stride;
    const last = first + count * SIZE;
    data[last] = feature;
    data[last + ZERO] = zero;
    data[last + ONE] = one;
    data[last + WEIGHT] = count === 0 ? 1 : 0;
    const share = 1 / (count + 1);
    for (let i = count - 1; i >= 0; i--) {
      const at = first + i * SIZE + WEIGHT;
      const weight = data[at]!;
      if (one !== 0) data[at + SIZE]! += one * weight * (i + 1) * share;
      data[at] = zero * weight * (count - i) * share;
    }
  }

  /** Where a feature stands among the entries 1 to `last` of a level; 0 where it does not. */
  find(level: number, last: number, feature: number): number {
    const first = level * this.stride;
    for (let i = 1; i <= last; i++) if (this.data[first + i * SIZE] === feature) return i;
    return 0;
  }

  featureAt(level: number, index: number): number {
    return this.data[level * this.stride + index * SIZE]!;
  }

  zeroAt(level: number, index: number): number {
    return this.data[level * this.stride + index * SIZE + ZERO]!;
  }

  oneAt(level: number, index: number): number {
    return this.data[level * this.stride + index * SIZE + ONE]!;
  }

  /** Takes an entry out again, of entries up to `last`. */
  unwind(level: number, last: number, index: number): void {
    const { data } = this;
    const first = level * this.stride;
    const zero = this.zeroAt(level, index);
    const one = this.oneAt(level, index);
    let next = data[first + last * SIZE + WEIGHT]!;
    for (let i = last - 1; i >= 0; i--) {
      const at = first + i * SIZE + WEIGHT;
      const weight = data[at]!;
      if (one === 0) data[at] = (weight * (last + 1)) / (zero * (last - i));
      else {
        data[at] = (next * (last + 1)) / ((i + 1) * one);
        next = weight - (data[at]! * zero * (last - i)) / (last + 1);
      }
    }
    // Weights are by size, not by feature: they stay where they are.
    for (let at = first + index * SIZE; at < first + last * SIZE; at += SIZE)
      for (let k = 0; k < WEIGHT; k++) data[at + k] = data[at + SIZE + k]!;
  }

  /** The sum of the weights as if an entry were taken out. */
  unwoundSum(level: number, last: number, index: number): number {
    const { data } = this;
    const first = level * this.stride;
    const zero = this.zeroAt(level, index);
    const one = this.oneAt(level, index);
    let total = 0;
    if (one === 0) {
      for (let i = last - 1; i >= 0; i--) total += data[first + i * SIZE + WEIGHT]! / (last - i);
      return (total * (last + 1)) / zero;
    }
    let next = data[first + last * SIZE + WEIGHT]!;
    const share = 1 / (last + 1);
    for (let i = last - 1; i >= 0; i--) {
      const taken = next / ((i + 1) * share * one);
      total += taken;
      next = data[first + i * SIZE + WEIGHT]! - taken * zero * (last - i) * share;
    }
    return total;
  }
}
