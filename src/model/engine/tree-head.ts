import type { TensorValue } from '../elements/elements.ts';
import type { OnnxShape } from '../trees/tree-operator.ts';

/** An exponential that ONNX Runtime takes: of `width` scores together. */
export interface HeadTransform {
  readonly name: string;
  readonly width: number;
}

/**
 * How ONNX Runtime makes scores and labels of the sums of a tree operator (tree_ensemble_aggregator.h, ml_common.h: write_scores). What
 * needs exponentials is left to a node of ONNX Runtime (`transform`), since those are its library's.
 */
export class TreeHead {
  private readonly trees: OnnxShape;
  /** Classes or targets in the scores. */
  readonly width: number;
  /** What ONNX Runtime still has to do with them; null: nothing. */
  readonly transform: HeadTransform | null;

  private constructor(trees: OnnxShape, width: number, transform: string | null) {
    this.trees = trees;
    this.width = width;
    // Logistic curves of single scores are those of trees; of several at once ONNX Runtime computes them otherwise.
    this.transform = transform === null ? null : { name: transform, width: transform === 'LOGISTIC' ? 1 : width };
  }

  /** In words, why a model's post-transform is left to ONNX Runtime whole. */
  static of(trees: OnnxShape): TreeHead | string {
    const { postTransform, ensemble, labels, isBinary, allPositive, bases } = trees;
    if (postTransform === 'PROBIT') return 'its post-transform is PROBIT';
    const named = postTransform === 'NONE' ? null : postTransform;
    if (labels === null) return new TreeHead(trees, ensemble.targets, ensemble.targets === 1 ? null : named);
    if (!isBinary) return new TreeHead(trees, ensemble.targets, named);
    if (bases === 2) return new TreeHead(trees, 2, named);
    // One score for two classes: mixed weights take the logistic of both signs, and nothing else; positive ones are probabilities.
    return new TreeHead(trees, 2, named === 'LOGISTIC' && !allPositive ? named : null);
  }

  /**
   * Scores of finished sums, before the transform: [N, width], or [N * width, 1] where it takes single ones; of two mirrored ones only the
   * second.
   */
  scores(sums: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    if (!this.trees.isBinary || this.transform?.width === 1) return sums;
    const { allPositive, bases } = this.trees;
    const data = new Float32Array(2 * sums.length);
    for (let row = 0; row < sums.length; row++) {
      const sum = sums[row]!;
      // A losing second class keeps its score in the first place where nothing is transformed.
      const isSwapped = bases !== 2 && !(sum > 0);
      data[2 * row] = allPositive && bases !== 2 ? 1 - sum : isSwapped ? sum : -sum;
      data[2 * row + 1] = allPositive && bases !== 2 ? sum : isSwapped ? -sum : sum;
    }
    return data;
  }

  /** Scores from what the transform gave: [N, width]. */
  transformed(values: Float32Array): Float32Array {
    if (this.transform?.width !== 1 || this.trees.isBinary) return values;
    // Single scores come back as those of two classes.
    return Float32Array.from({ length: values.length / 2 }, (_, i) => values[2 * i + 1]!);
  }

  /** Which class a row's is, from finished sums. */
  classAt(sums: Float32Array, row: number): number {
    const { isBinary, allPositive, ensemble } = this.trees;
    if (isBinary) return Number(sums[row]! > (allPositive ? 0.5 : 0));
    return classOf(sums, row * ensemble.targets, ensemble.targets);
  }

  /** The class of each row, from finished sums. */
  labels(sums: Float32Array): TensorValue {
    const { labels, ensemble } = this.trees;
    const rows = sums.length / ensemble.targets;
    const pick = (row: number): number => this.classAt(sums, row);
    if (labels !== null && 'texts' in labels) {
      const data = Array.from({ length: rows }, (_, row) => labels.texts[pick(row)] ?? '');
      return { type: 'string', dims: [rows], data };
    }
    const numbers = BigInt64Array.from(labels?.integers ?? [], BigInt);
    const data = new BigInt64Array(rows);
    for (let row = 0; row < rows; row++) data[row] = numbers[pick(row)]!;
    return { type: 'int64', dims: [rows], data };
  }
}

// Of two classes ONNX Runtime takes the second where its score is above zero, whatever the first one's is.
function classOf(sums: Float32Array, at: number, classes: number): number {
  if (classes === 2) return Number(sums[at + 1]! > 0);
  let best = 0;
  for (let k = 1; k < classes; k++) if (sums[at + k]! > sums[at + best]!) best = k;
  return best;
}
