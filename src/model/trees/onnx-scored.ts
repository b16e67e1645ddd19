import type { Ensemble } from './ensemble.ts';

/**
 * Whether every row gets a weight for every target: each target has a tree whose leaves all have one. ONNX Runtime's classifiers take a class
 * without any weight for another thing than one whose weights add up to zero, and rows that fall into such leaves may be too rare for a check.
 */
export function isAlwaysScored(ensemble: Ensemble): boolean {
  const scored = new Uint8Array(ensemble.targets);
  for (const root of ensemble.roots) {
    const counts = new Int32Array(ensemble.targets);
    let leaves = 0;
    const open = [root];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at >= 0) open.push(ensemble.nodes.left[at]!, ensemble.nodes.right[at]!);
      else {
        for (const target of targetsOf(ensemble, ~at)) counts[target]!++;
        leaves++;
      }
    }
    counts.forEach((count, target) => {
      if (count === leaves) scored[target] = 1;
    });
  }
  return scored.every((one) => one === 1);
}

function targetsOf({ leaves }: Ensemble, leaf: number): Set<number> {
  return new Set(leaves.target.subarray(leaves.first[leaf], leaves.first[leaf + 1]));
}
