import type { Ensemble } from './ensemble.ts';

/**
 * Whether every row gets a weight for every target: each target has a tree whose leaves all have one. ONNX Runtime's classifiers take a class
 * without any weight for another thing than one whose weights add up to zero, and rows that fall into such leaves may be too rare for a check.
 */
export function isAlwaysScored(ensemble: Ensemble): boolean {
  const { leaves: all, targets } = ensemble;
  const scored = new Uint8Array(targets);
  // The leaf that a target was seen in last: two weights of one target count once.
  const seen = new Int32Array(targets).fill(-1);
  for (const root of ensemble.roots) {
    const counts = new Int32Array(targets);
    let leaves = 0;
    const open = [root];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at >= 0) open.push(ensemble.nodes.left[at]!, ensemble.nodes.right[at]!);
      else {
        const leaf = ~at;
        for (let i = all.first[leaf]!; i < all.first[leaf + 1]!; i++) {
          const target = all.target[i]!;
          if (seen[target] !== leaf) counts[target]!++;
          seen[target] = leaf;
        }
        leaves++;
      }
    }
    counts.forEach((count, target) => {
      if (count === leaves) scored[target] = 1;
    });
  }
  return scored.every((one) => one === 1);
}
