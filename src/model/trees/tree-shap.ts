import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Ensemble } from './ensemble.ts';
import { goesLeft } from './plain-scores.ts';
import { ShapPath } from './shap-path.ts';

/** Trees that are deeper than this are explained by nobody in time. */
const DEEPEST = 2000;

/**
 * Exact contributions of features to raw scores (TreeSHAP, path-dependent, as `pred_contrib` of LightGBM and `pred_contribs` of XGBoost):
 * what training rows say of a value that is not known. All in double.
 *
 * Errors: MODEL_INVALID for a model without the weights of its leaves, or with trees that are too deep.
 */
export class TreeShap {
  private readonly ensemble: Ensemble;
  private readonly leafCover: Float64Array;
  /** Of each node the sum of its leaves, so that shares of a node's children add up to one. */
  private readonly nodeCover: Float64Array;
  /** What a model answers on average, per target. */
  private readonly expected: Float64Array;
  private readonly path: ShapPath;

  constructor(ensemble: Ensemble, where: string) {
    const { leaves, nodes, roots } = ensemble;
    if (leaves.cover === null)
      throw new PrescoreError('MODEL_INVALID', {
        what: 'the model does not say how many training rows its leaves had, which contributions need',
        where,
        fix: 'Save it with its trainer in its own format, or leave out contributions.',
      });
    this.ensemble = ensemble;
    this.leafCover = leaves.cover;
    this.nodeCover = new Float64Array(nodes.feature.length);
    this.expected = new Float64Array(ensemble.targets);
    let depth = 0;
    for (const root of roots) depth = Math.max(depth, this.measure(root, where));
    this.expected.forEach((sum, k) => {
      this.expected[k] = sum / ensemble.divisor + ensemble.base[k]!;
    });
    this.path = new ShapPath(depth + 1, Math.min(depth, ensemble.features));
  }

  /**
   * Contributions of a row, `features + 1` a target, the last the average answer. They add up to the raw score.
   *
   * Owns: `out` ([targets, features + 1]) is the caller's and is overwritten.
   */
  explain(valueAt: (feature: number) => number, out: Float64Array): void {
    const { roots, features, targets, divisor } = this.ensemble;
    out.fill(0);
    for (const root of roots) if (root >= 0) this.walk(root, 0, 0, -1, 1, 1, valueAt, out);
    for (let k = 0; k < targets; k++) {
      const first = k * (features + 1);
      if (divisor !== 1) for (let i = first; i < first + features; i++) out[i]! /= divisor;
      out[first + features] = this.expected[k]!;
    }
  }

  /** Sums up covers from the leaves, adds the tree's average to what is expected; answers with its depth. */
  private measure(root: number, where: string): number {
    const { nodes } = this.ensemble;
    const order: number[] = [];
    let depth = 0;
    const open: (readonly [number, number])[] = [[root, 0]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [at, level] = next;
      depth = Math.max(depth, level);
      order.push(at);
      if (at >= 0) open.push([nodes.left[at]!, level + 1], [nodes.right[at]!, level + 1]);
    }
    if (depth > DEEPEST)
      throw new PrescoreError('MODEL_INVALID', {
        what: 'the model has trees that are too deep for contributions',
        where,
        expected: `at most ${DEEPEST} levels`,
        got: String(depth),
        fix: 'Leave out contributions, or train it with shallower trees.',
      });
    for (const at of order.reverse())
      if (at >= 0) this.nodeCover[at] = this.coverOf(nodes.left[at]!) + this.coverOf(nodes.right[at]!);
    this.expect(root);
    return depth;
  }

  /** Adds what a tree answers when nothing is known of a row. */
  private expect(root: number): void {
    const { nodes, leaves } = this.ensemble;
    const open: (readonly [number, number])[] = [[root, 1]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [at, share] = next;
      if (at >= 0) {
        const left = this.shareOf(nodes.left[at]!, at);
        open.push([nodes.left[at]!, share * left], [nodes.right[at]!, share * (1 - left)]);
      } else
        for (let i = leaves.first[~at]!; i < leaves.first[~at + 1]!; i++)
          this.expected[leaves.target[i]!]! += share * leaves.weight[i]!;
    }
  }

  /** Of the training rows of a node those that go to a child; where none came, both ways are as likely. */
  private shareOf(child: number, node: number): number {
    const cover = this.nodeCover[node]!;
    return cover > 0 ? this.coverOf(child) / cover : 0.5;
  }

  private coverOf(child: number): number {
    return child < 0 ? this.leafCover[~child]! : this.nodeCover[child]!;
  }

  /** `last` entries lead to this node from its parent's level; its own comes behind them. */
  private walk(
    at: number,
    level: number,
    count: number,
    feature: number,
    zero: number,
    one: number,
    valueAt: (feature: number) => number,
    out: Float64Array,
  ): void {
    // No training row and not this row either: it adds nothing.
    if (zero === 0 && one === 0) return;
    const { path } = this;
    if (level > 0) path.copyDown(level, count);
    path.extend(level, count, feature, zero, one);
    if (at < 0) {
      this.addLeaf(~at, level, count, out);
      return;
    }
    const { nodes } = this.ensemble;
    const split = nodes.feature[at]!;
    const isLeft = goesLeft(this.ensemble, at, valueAt(split));
    const [hot, cold] = isLeft ? [nodes.left[at]!, nodes.right[at]!] : [nodes.right[at]!, nodes.left[at]!];
    const hotShare = this.shareOf(hot, at);
    const before = path.find(level, count, split);
    let [knownZero, knownOne, kept] = [1, 1, count + 1];
    if (before > 0) {
      knownZero = path.zeroAt(level, before);
      knownOne = path.oneAt(level, before);
      path.unwind(level, count, before);
      kept = count;
    }
    this.walk(hot, level + 1, kept, split, hotShare * knownZero, knownOne, valueAt, out);
    this.walk(cold, level + 1, kept, split, (1 - hotShare) * knownZero, 0, valueAt, out);
  }

  private addLeaf(leaf: number, level: number, last: number, out: Float64Array): void {
    const { leaves, features } = this.ensemble;
    for (let i = 1; i <= last; i++) {
      const share = this.path.unwoundSum(level, last, i) * (this.path.oneAt(level, i) - this.path.zeroAt(level, i));
      const feature = this.path.featureAt(level, i);
      for (let k = leaves.first[leaf]!; k < leaves.first[leaf + 1]!; k++)
        out[leaves.target[k]! * (features + 1) + feature]! += share * leaves.weight[k]!;
    }
  }
}
