import { type Ensemble, RULE, ZERO_BAND } from './ensemble.ts';
import type { Floats } from './float-arrays.ts';

/**
 * Raw scores of rows, `targets` a row, the plain way: one row and one tree after the other. The second opinion that faster evaluators are
 * checked against.
 *
 * Owns: `rows` ([N, features], row-major) stays the caller's.
 */
export function plainScores(ensemble: Ensemble, rows: Float32Array | Float64Array): Float64Array {
  const { features, targets } = ensemble;
  const count = rows.length / features;
  const scores = new Float64Array(count * targets);
  for (let row = 0; row < count; row++)
    scoreRow(ensemble, rows, row * features, scores.subarray(row * targets, (row + 1) * targets));
  return scores;
}

function scoreRow(ensemble: Ensemble, rows: Floats, from: number, scores: Float64Array): void {
  const { leaves, base, baseAdded, divisor } = ensemble;
  const round = ensemble.sums === 'float32' ? Math.fround : same;
  if (baseAdded === 'first') scores.set(base);
  for (const root of ensemble.roots) {
    const leaf = leafFrom(ensemble, root, rows, from);
    for (let i = leaves.first[leaf]!; i < leaves.first[leaf + 1]!; i++) {
      const target = leaves.target[i]!;
      scores[target] = round(scores[target]! + leaves.weight[i]!);
    }
  }
  if (divisor !== 1) for (let k = 0; k < scores.length; k++) scores[k] = round(scores[k]! / divisor);
  if (baseAdded === 'last') for (let k = 0; k < scores.length; k++) scores[k] = round(scores[k]! + base[k]!);
}

/**
 * The leaf of each tree that rows end in, by the numbers of the trainer: [N, trees].
 *
 * Owns: `rows` stays the caller's. Errors: TypeError where the file numbers none.
 */
export function plainLeaves(ensemble: Ensemble, rows: Float32Array | Float64Array): Int32Array<ArrayBuffer> {
  const { features, roots, leaves } = ensemble;
  if (leaves.number === null) throw new TypeError('leaves without numbers');
  const count = rows.length / features;
  const found = new Int32Array(count * roots.length);
  let at = 0;
  for (let row = 0; row < count; row++)
    for (const root of roots) found[at++] = leaves.number[leafFrom(ensemble, root, rows, row * features)]!;
  return found;
}

// Where the row that begins at `from` ends.
function leafFrom(ensemble: Ensemble, root: number, rows: Floats, from: number): number {
  const { feature, left, right } = ensemble.nodes;
  let at = root;
  while (at >= 0) at = goesLeft(ensemble, at, rows[from + feature[at]!]!) ? left[at]! : right[at]!;
  return ~at;
}

/** Whether a value goes left at a node. */
export function goesLeft(ensemble: Ensemble, node: number, value: number): boolean {
  const { nodes } = ensemble;
  const rule = nodes.rule[node]!;
  const threshold = nodes.threshold[node]!;
  if (rule === RULE.nanLeft || rule === RULE.nanRight)
    return Number.isNaN(value) ? rule === RULE.nanLeft : value <= threshold;
  if (rule === RULE.category) return isMember(ensemble, threshold, value, false);
  if (rule === RULE.categoryElseLeft || rule === RULE.categoryElseLeftNanRight) {
    if (Number.isNaN(value)) return rule === RULE.categoryElseLeft;
    return value < 0 || isMember(ensemble, threshold, value, true);
  }
  if (rule === RULE.zeroLeft || rule === RULE.zeroRight) {
    const isMissing = Number.isNaN(value) || (value >= -ZERO_BAND && value <= ZERO_BAND);
    return isMissing ? rule === RULE.zeroLeft : value <= threshold;
  }
  return Number.isNaN(value) ? 0 <= threshold : value <= threshold;
}

function isMember(ensemble: Ensemble, set: number, value: number, elseLeft: boolean): boolean {
  const { first, words } = ensemble.categories;
  const category = Math.trunc(value);
  // NaN fails both; -0.5 is category 0, as in C.
  if (!(category >= 0 && category < 32 * (first[set + 1]! - first[set]!))) return elseLeft;
  return ((words[first[set]! + (category >> 5)]! >>> (category & 31)) & 1) === 1;
}

function same(value: number): number {
  return value;
}
