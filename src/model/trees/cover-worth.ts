import { CoverWalk } from './cover-walk.ts';
import type { Ensemble } from './ensemble.ts';
import { gaussLegendre, type Quadrature } from './gauss-legendre.ts';
import type { LeafWay, LeafWays } from './leaf-ways.ts';
import type { LeafWorth } from './leaf-worth.ts';
import { partsBelow } from './tree-blocks.ts';

/**
 * Path-dependent TreeSHAP: of a feature that is not known, as many rows go either way as in training (`pred_contrib` of LightGBM,
 * `pred_contribs` of XGBoost).
 *
 * A feature that is known with probability t lets a row pass with `known * t + share * (1 - t)`; the Shapley value is the integral over t of
 * the product of the others, times `known - share`. The product is a polynomial in t, so a few places give the integral exactly, and all
 * terms are positive: nothing cancels.
 */
export class CoverWorth implements LeafWorth {
  readonly average: Float64Array;
  private readonly ensemble: Ensemble;
  /** Share of a node's training rows that go left. */
  private readonly leftShare: Float64Array;
  private readonly rules: (Quadrature | undefined)[] = [];
  private readonly shares: Float64Array;
  private readonly passes: Float64Array;
  private readonly before: Float64Array;

  /** `cover`: training rows of each leaf. */
  constructor(ensemble: Ensemble, cover: Float64Array, ways: LeafWays) {
    const { depth } = ways;
    this.ensemble = ensemble;
    this.leftShare = leftShares(ensemble, cover);
    this.shares = new Float64Array(depth);
    this.passes = new Float64Array(depth);
    this.before = new Float64Array(depth);
    this.average = new Float64Array(ensemble.targets);
    const { roots, nodes, leaves } = ensemble;
    for (const root of roots) {
      const open: (readonly [number, number])[] = [[root, 1]];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const [at, share] = next;
        if (at >= 0) {
          const left = this.leftShare[at]!;
          open.push([nodes.left[at]!, share * left], [nodes.right[at]!, share * (1 - left)]);
        } else
          for (let i = leaves.first[~at]!; i < leaves.first[~at + 1]!; i++)
            this.average[leaves.target[i]!]! += share * leaves.weight[i]!;
      }
    }
  }

  of(way: LeafWay, fails: Uint8Array, out: Float64Array): void {
    const { shares, passes, before, leftShare } = this;
    const { count } = way;
    shares.fill(1, 0, count);
    for (let step = 0; step < way.steps; step++) {
      const left = leftShare[way.nodes[step]!]!;
      shares[way.places[step]!]! *= way.isLeft[step] === 1 ? left : 1 - left;
    }
    out.fill(0, 0, count);
    const { at, weight } = this.quadrature((count + 1) >> 1);
    for (let q = 0; q < at.length; q++) {
      const t = at[q]!;
      let product = weight[q]!;
      for (let i = 0; i < count; i++) {
        before[i] = product;
        const pass = (fails[i] === 1 ? 0 : t) + shares[i]! * (1 - t);
        passes[i] = pass;
        product *= pass;
      }
      let behind = 1;
      for (let i = count - 1; i >= 0; i--) {
        out[i]! += before[i]! * behind;
        behind *= passes[i]!;
      }
    }
    for (let i = 0; i < count; i++) out[i]! *= (fails[i] === 1 ? 0 : 1) - shares[i]!;
  }

  walkOf(root: number): CoverWalk | null {
    return CoverWalk.of(this.ensemble, root, this.leftShare, (places) => this.quadrature(places));
  }

  private quadrature(places: number): Quadrature {
    const known = this.rules[places] ?? gaussLegendre(places);
    this.rules[places] = known;
    return known;
  }
}

/** Where no training row came, both ways are as likely. */
function leftShares({ roots, nodes }: Ensemble, cover: Float64Array): Float64Array {
  const shares = new Float64Array(nodes.feature.length).fill(0.5);
  const sums = new Float64Array(nodes.feature.length);
  const coverOf = (child: number): number => (child < 0 ? cover[~child]! : sums[child]!);
  for (const root of roots) {
    for (const at of partsBelow(nodes, root).nodes.reverse()) {
      const left = coverOf(nodes.left[at]!);
      sums[at] = left + coverOf(nodes.right[at]!);
      if (sums[at]! > 0) shares[at] = left / sums[at]!;
    }
  }
  return shares;
}
