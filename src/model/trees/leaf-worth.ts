import type { CoverWalk } from './cover-walk.ts';
import type { LeafWay } from './leaf-ways.ts';

/** What a leaf of weight one gives to the features on its way, and what it gives on average. */
export interface LeafWorth {
  /**
   * `fails`: of each feature of the way whether the row fails it at one step at least. Owns: `out`, a value per feature, is the caller's and is
   * overwritten.
   */
  of(way: LeafWay, fails: Uint8Array, out: Float64Array): void;
  /** A faster way for a tree that is too deep for tables; null where there is none. */
  walkOf(root: number): CoverWalk | null;
  /** What raw scores are on average, without base and before division, per target. */
  readonly average: Float64Array;
}
