import { numberOf } from '../../model/certify/try-rows.ts';
import type { TensorValue } from '../../model/elements/elements.ts';

/**
 * The area under the ROC curve: how likely a row of the second class has a higher score than one of the first; equal scores count half.
 * Null where one of the classes has no row, or a score is NaN.
 */
export function auc(scores: ArrayLike<number>, labels: ArrayLike<number>): number | null {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let [positives, ranks] = [0, 0];
  for (let i = 0; i < order.length; ) {
    let end = i;
    while (end < order.length && scores[order[end]!] === scores[order[i]!]) end++;
    if (end === i) return null;
    // Ranks count from 1; rows of one score share their mean.
    const rank = (i + 1 + end) / 2;
    for (let at = i; at < end; at++) {
      if (labels[order[at]!] !== 1) continue;
      positives++;
      ranks += rank;
    }
    i = end;
  }
  const negatives = scores.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** The score of the second of two classes in each of the first `rows` rows; null where the output has none. */
export function scoresOf(output: TensorValue, rows: number): Float64Array | null {
  const width = output.data.length / (output.dims[0] ?? 1);
  if (width !== 1 && width !== 2) return null;
  return Float64Array.from({ length: rows }, (_, row) => numberOf(output, row * width + width - 1));
}
