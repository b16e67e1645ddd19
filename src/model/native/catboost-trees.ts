import type { EnsembleBuilder } from './ensemble-builder.ts';

/** Values above the border go right. */
export interface CatboostSplit {
  readonly feature: number;
  readonly rule: number;
  /** A float32. */
  readonly border: number;
  readonly place: string;
}

export interface LeafShape {
  /** Numbers of the raw scores that every leaf adds to. */
  readonly targets: readonly number[];
}

/**
 * Adds a tree that asks the same question in all nodes of a level: bit i of a leaf's number is the answer to split i. The last split becomes
 * the root, so that leaves stand in order.
 */
export function addOblivious(
  splits: readonly CatboostSplit[],
  values: ArrayLike<number>,
  weights: ArrayLike<number> | null,
  { targets }: LeafShape,
  builder: EnsembleBuilder,
  place: string,
): void {
  const width = targets.length;
  let level: number[] = [];
  let covers: number[] = [];
  for (let i = 0; i < 2 ** splits.length; i++) {
    const cover = weights === null ? Number.NaN : weights[i]!;
    covers.push(cover);
    level.push(builder.leafOf(targets, Array.prototype.slice.call(values, i * width, (i + 1) * width), cover));
  }
  for (const split of splits) {
    const pairs = Array.from({ length: level.length / 2 }, (_, i) => 2 * i);
    const sums = pairs.map((i) => covers[i]! + covers[i + 1]!);
    level = pairs.map((i, k) => {
      const node = builder.node(split.feature, split.border, split.rule, sums[k]!, split.place);
      builder.link(node, level[i]!, level[i + 1]!);
      return node;
    });
    covers = sums;
  }
  builder.root(level[0]!, place);
}
