import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Ensemble } from './ensemble.ts';

/** Trees that are deeper than this are explained by nobody in time. */
const DEEPEST = 2000;

/** The way from a root to a leaf. Owns: `LeafWays`, which overwrites it with the next one. */
export interface LeafWay {
  /** Different features on it, in the order in which they are first asked for. */
  count: number;
  readonly features: Int32Array;
  steps: number;
  /** Of each step its node, on which side it leaves it (1: left), and the place of its feature in `features`. */
  readonly nodes: Int32Array;
  readonly isLeft: Uint8Array;
  readonly places: Int32Array;
}

/** Finds the ways to the leaves of an ensemble. */
export class LeafWays {
  readonly way: LeafWay;
  private readonly features: Int32Array;
  /** Per node and leaf: its parent, -1 for roots, and whether it is the left child. */
  private readonly nodeParent: Int32Array;
  private readonly leafParent: Int32Array;
  private readonly left: Int32Array;
  /** Per feature its place in the way that is being made, where `madeBy` is this way. */
  private readonly placeOf: Int32Array;
  private readonly madeBy: Float64Array;
  private made = 0;

  /** Errors: MODEL_INVALID for trees that are too deep. */
  constructor({ features, nodes, leaves, roots }: Ensemble, where: string) {
    this.features = nodes.feature;
    this.left = nodes.left;
    this.nodeParent = new Int32Array(nodes.feature.length).fill(-1);
    this.leafParent = new Int32Array(leaves.first.length - 1).fill(-1);
    let depth = 0;
    for (const root of roots) {
      const open: (readonly [number, number])[] = [[root, 0]];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const [at, level] = next;
        depth = Math.max(depth, level);
        if (at < 0) continue;
        for (const child of [nodes.left[at]!, nodes.right[at]!]) {
          if (child < 0) this.leafParent[~child] = at;
          else this.nodeParent[child] = at;
          open.push([child, level + 1]);
        }
      }
    }
    if (depth > DEEPEST)
      throw new PrescoreError('MODEL_INVALID', {
        what: 'the model has trees that are too deep for contributions',
        where,
        expected: `at most ${DEEPEST} levels`,
        got: String(depth),
        fix: 'Leave out contributions, or train it with shallower trees.',
      });
    this.placeOf = new Int32Array(features);
    this.madeBy = new Float64Array(features);
    this.way = {
      count: 0,
      features: new Int32Array(depth),
      steps: 0,
      nodes: new Int32Array(depth),
      isLeft: new Uint8Array(depth),
      places: new Int32Array(depth),
    };
  }

  /** Levels of the deepest tree. */
  get depth(): number {
    return this.way.nodes.length;
  }

  /** The way to a leaf. */
  to(leaf: number): LeafWay {
    const { way, nodeParent, left } = this;
    let steps = 0;
    for (let at = this.leafParent[leaf]!; at >= 0; at = nodeParent[at]!) way.nodes[steps++] = at;
    way.nodes.subarray(0, steps).reverse();
    way.steps = steps;
    way.count = 0;
    const made = ++this.made;
    for (let step = 0; step < steps; step++) {
      const child = step + 1 < steps ? way.nodes[step + 1]! : ~leaf;
      way.isLeft[step] = left[way.nodes[step]!] === child ? 1 : 0;
      const feature = this.features[way.nodes[step]!]!;
      if (this.madeBy[feature] !== made) {
        this.madeBy[feature] = made;
        this.placeOf[feature] = way.count;
        way.features[way.count++] = feature;
      }
      way.places[step] = this.placeOf[feature]!;
    }
    return way;
  }
}
