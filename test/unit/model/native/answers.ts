import type { NativeOutputs } from '../../../../src/model/native/native-model.ts';

/** What the description of a model's outputs says that its trainer answers for the raw scores of a row. */
export function answersOf({ average, transform }: NativeOutputs, raw: readonly number[]): number[] {
  const scores = raw.map((score) => score / average);
  if (transform.kind === 'softmax') {
    const most = Math.max(...scores);
    const parts = scores.map((score) => Math.exp(score - most));
    const sum = parts.reduce((total, part) => total + part, 0);
    return parts.map((part) => part / sum);
  }
  return scores.map((score) => {
    if (transform.kind === 'sigmoid') return 1 / (1 + Math.exp(-transform.slope * score));
    if (transform.kind === 'exp') return Math.exp(score);
    if (transform.kind === 'log1pExp') return Math.log1p(Math.exp(score));
    if (transform.kind === 'signedSquare') return Math.sign(score) * score * score;
    if (transform.kind === 'step') return score > 0 ? 1 : 0;
    return score;
  });
}
