import type { Ensemble } from './ensemble.ts';
import type { LeafWay } from './leaf-ways.ts';
import type { LeafWorth } from './leaf-worth.ts';
import { goesLeft, plainScores } from './plain-scores.ts';

/**
 * Interventional TreeSHAP: what is not known of a row is taken from rows of a background, each in turn, and the average is taken.
 *
 * Beside one background row a leaf is reached with those features known of which the row passes and the background row fails (gains), and
 * without those of which it is the other way round (losses): each is worth `(gains - 1)! losses! / (gains + losses)!`, or that much less.
 */
export class BackgroundWorth implements LeafWorth {
  readonly average: Float64Array;
  private readonly count: number;
  /** Whether a background row goes left at a node: [nodes, rows]. */
  private readonly goesLeft: Uint8Array;
  private readonly failed: Uint8Array;

  /** `rows`: [N, features]. Owns: they stay the caller's. */
  constructor(ensemble: Ensemble, rows: Float32Array | Float64Array, depth: number) {
    const { features, nodes, targets } = ensemble;
    this.count = rows.length / features;
    this.goesLeft = new Uint8Array(nodes.feature.length * this.count);
    for (let node = 0; node < nodes.feature.length; node++)
      for (let row = 0; row < this.count; row++)
        if (goesLeft(ensemble, node, rows[row * features + nodes.feature[node]!]!))
          this.goesLeft[node * this.count + row] = 1;
    this.failed = new Uint8Array(depth);
    const bare = { ...ensemble, base: new Float64Array(targets), divisor: 1, sums: 'float64' as const };
    const scores = plainScores(bare, rows);
    this.average = new Float64Array(targets);
    scores.forEach((score, i) => {
      this.average[i % targets]! += score / this.count;
    });
  }

  of(way: LeafWay, fails: Uint8Array, out: Float64Array): void {
    const { count, failed } = this;
    out.fill(0, 0, way.count);
    for (let row = 0; row < count; row++) {
      failed.fill(0, 0, way.count);
      for (let step = 0; step < way.steps; step++)
        if (this.goesLeft[way.nodes[step]! * count + row] !== way.isLeft[step]) failed[way.places[step]!] = 1;
      this.add(way.count, fails, out);
    }
    for (let i = 0; i < way.count; i++) out[i]! /= count;
  }

  walkOf(): null {
    return null;
  }

  private add(features: number, fails: Uint8Array, out: Float64Array): void {
    const { failed } = this;
    let [gains, losses] = [0, 0];
    for (let i = 0; i < features; i++) {
      // Whatever is known, this leaf is not reached.
      if (fails[i] === 1 && failed[i] === 1) return;
      if (fails[i] === failed[i]) continue;
      if (fails[i] === 1) losses++;
      else gains++;
    }
    const gain = gains === 0 ? 0 : share(gains - 1, losses);
    const loss = losses === 0 ? 0 : share(gains, losses - 1);
    for (let i = 0; i < features; i++) if (fails[i] !== failed[i]) out[i]! += fails[i] === 1 ? -loss : gain;
  }
}

/** `a! b! / (a + b + 1)!` */
function share(a: number, b: number): number {
  let value = 1 / (a + b + 1);
  for (let i = 1; i <= Math.min(a, b); i++) value *= i / (Math.max(a, b) + i);
  return value;
}
