import type { Ensemble } from './ensemble.ts';
import type { Quadrature } from './gauss-legendre.ts';
import { goesLeft } from './plain-scores.ts';

/** What a tree's edges are, parents before children: the ways from a node to its children. */
interface Edges {
  readonly count: number;
  /** Edge above, -1 at the root. */
  readonly above: Int32Array;
  readonly node: Int32Array;
  readonly isLeft: Uint8Array;
  /** The edge above that asks for the same feature, -1 for none. */
  readonly before: Int32Array;
  /** Share of training rows of the feature's edges down to this one, and of this one alone. */
  readonly share: Float64Array;
  readonly ownShare: Float64Array;
  /** Weight of the leaf that it leads to, NaN for a node. */
  readonly weight: Float64Array;
}

/**
 * Path-dependent contributions of a tree that is too deep for tables, in one walk down and one up: products of what lets a row pass are
 * handed down at each place of the quadrature, sums of leaves are handed up, and every edge gives its feature its part (Linear TreeSHAP, Yu 2022, with
 * places of a quadrature for coefficients of polynomials). Where a feature is asked again, what the edge above has given for these leaves is
 * taken back.
 */
export class CoverWalk {
  private readonly ensemble: Ensemble;
  private readonly target: number;
  private readonly edges: Edges;
  private readonly places: Quadrature;
  /** Per edge and place: what lets a row pass that goes this way, and one that does not; and one by these, 0 for none. */
  private readonly pass: Float64Array;
  private readonly fail: Float64Array;
  private readonly byPass: Float64Array;
  private readonly byFail: Float64Array;
  private readonly isKnown: Uint8Array;
  private readonly isReached: Uint8Array;
  private readonly down: Float64Array;
  private readonly up: Float64Array;

  private constructor(ensemble: Ensemble, target: number, edges: Edges, places: Quadrature) {
    this.ensemble = ensemble;
    this.target = target;
    this.edges = edges;
    this.places = places;
    const size = edges.count * places.at.length;
    this.pass = new Float64Array(size);
    this.fail = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const t = places.at[i % places.at.length]!;
      const share = edges.share[Math.floor(i / places.at.length)]!;
      this.fail[i] = share * (1 - t);
      this.pass[i] = t + share * (1 - t);
    }
    this.byPass = this.pass.map((value) => 1 / value);
    this.byFail = this.fail.map((value) => (value === 0 ? 0 : 1 / value));
    this.isKnown = new Uint8Array(edges.count);
    this.isReached = new Uint8Array(edges.count);
    this.down = new Float64Array(size);
    this.up = new Float64Array(size);
  }

  /** Null for a tree whose leaves add to several targets. */
  static of(
    ensemble: Ensemble,
    root: number,
    leftShare: Float64Array,
    quadrature: (places: number) => Quadrature,
  ): CoverWalk | null {
    const { leaves } = ensemble;
    const list: number[][] = [];
    const targets = new Set<number>();
    let most = 0;
    const last = new Map<number, number>();
    const open: { at: number; above: number; last: ReadonlyMap<number, number> }[] = [{ at: root, above: -1, last }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { at } = next;
      if (at < 0) {
        most = Math.max(most, next.last.size);
        const [first, end] = [leaves.first[~at]!, leaves.first[~at + 1]!];
        if (end - first !== 1 || next.above < 0) return null;
        targets.add(leaves.target[first]!);
        list[next.above]![6] = leaves.weight[first]!;
        continue;
      }
      const feature = ensemble.nodes.feature[at]!;
      const before = next.last.get(feature) ?? -1;
      for (const isLeft of [0, 1]) {
        const own = isLeft === 1 ? leftShare[at]! : 1 - leftShare[at]!;
        const share = before < 0 ? own : own * list[before]![4]!;
        const edge = list.push([next.above, at, isLeft, before, share, own, Number.NaN]) - 1;
        const child = isLeft === 1 ? ensemble.nodes.left[at]! : ensemble.nodes.right[at]!;
        open.push({ at: child, above: edge, last: new Map(next.last).set(feature, edge) });
      }
    }
    if (targets.size !== 1) return null;
    const column = (i: number): number[] => list.map((edge) => edge[i]!);
    const edges: Edges = {
      count: list.length,
      above: Int32Array.from(column(0)),
      node: Int32Array.from(column(1)),
      isLeft: Uint8Array.from(column(2)),
      before: Int32Array.from(column(3)),
      share: Float64Array.from(column(4)),
      ownShare: Float64Array.from(column(5)),
      weight: Float64Array.from(column(6)),
    };
    return new CoverWalk(ensemble, [...targets][0]!, edges, quadrature((most + 1) >> 1));
  }

  /** Adds the contributions of a row, and the leaf that it reaches behind them. Owns: both arrays are the caller's. */
  add(rows: Float32Array | Float64Array, row: number, out: Float64Array): void {
    const { features, targets } = this.ensemble;
    const from = (row * targets + this.target) * (features + 1);
    this.walkDown(rows, row * features, out, from + features);
    this.walkUp(out, from);
  }

  private walkDown(rows: Float32Array | Float64Array, at: number, out: Float64Array, score: number): void {
    const { ensemble, edges, places, pass, fail, byPass, isKnown, isReached, down } = this;
    const { above, node, isLeft, before, ownShare, weight, count } = edges;
    const { feature } = ensemble.nodes;
    const size = places.at.length;
    for (let e = 0; e < count; e++) {
      // Both children of a node stand side by side.
      const isHere =
        (e & 1) === 1
          ? 1 - (isReached[e - 1]! & 2) / 2
          : Number(goesLeft(ensemble, node[e]!, rows[at + feature[node[e]!]!]!) === (isLeft[e] === 1));
      const b = before[e]!;
      const parent = above[e]!;
      const wasKnown = b < 0 ? 1 : isKnown[b]!;
      const known = wasKnown & isHere;
      const reached = isHere & (parent < 0 ? 1 : isReached[parent]! & 1);
      isKnown[e] = known;
      isReached[e] = reached | (isHere << 1);
      if (reached === 1 && !Number.isNaN(weight[e]!)) out[score]! += weight[e]!;
      const to = e * size;
      const given = parent < 0 ? places.weight : down;
      const own = known === 1 ? pass : fail;
      const first = parent < 0 ? 0 : parent * size;
      if (b < 0) for (let q = 0; q < size; q++) down[to + q] = given[first + q]! * own[to + q]!;
      else if (wasKnown === 1)
        for (let q = 0; q < size; q++) down[to + q] = given[first + q]! * own[to + q]! * byPass[b * size + q]!;
      else for (let q = 0; q < size; q++) down[to + q] = given[first + q]! * ownShare[e]!;
    }
  }

  private walkUp(out: Float64Array, from: number): void {
    const { ensemble, edges, places, byPass, byFail, isKnown, down, up } = this;
    const { above, node, before, share, weight, count } = edges;
    const { feature } = ensemble.nodes;
    const size = places.at.length;
    up.fill(0);
    for (let e = count - 1; e >= 0; e--) {
      const at = e * size;
      const value = weight[e]!;
      const isLeaf = !Number.isNaN(value);
      const parent = above[e]! * size;
      const b = before[e]!;
      const by = isKnown[e] === 1 ? byPass : byFail;
      const byBefore = b >= 0 && isKnown[b] === 1 ? byPass : byFail;
      const atBefore = b < 0 ? at : b * size;
      let [given, back] = [0, 0];
      for (let q = 0; q < size; q++) {
        const sum = isLeaf ? value * down[at + q]! : up[at + q]!;
        if (parent >= 0) up[parent + q]! += sum;
        given += sum * by[at + q]!;
        back += sum * byBefore[atBefore + q]!;
      }
      let part = given * (isKnown[e]! - share[e]!);
      if (b >= 0) part -= back * (isKnown[b]! - share[b]!);
      out[from + feature[node[e]!]!]! += part;
    }
  }
}
