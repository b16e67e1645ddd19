import { seeded } from '../elements/seeded.ts';
import { type Ensemble, RULE, ZERO_BAND } from '../trees/ensemble.ts';
import { floatsOf } from '../trees/float-arrays.ts';

/** Values that trip evaluators, whatever the thresholds are. */
const ODD = [
  Number.NaN,
  0,
  -0,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1,
  -1,
  2 ** -149,
  -(2 ** -149),
  3.4028234663852886e38,
  -3.4028234663852886e38,
  ZERO_BAND,
  -ZERO_BAND,
  0.5,
  1e9,
];
/** Rows per check at most: a model of more thresholds is checked with a part of them, another part of each feature per row. */
const MOST_ROWS = 4096;
const MOST_VALUES = 4_000_000;
const MOST_CATEGORIES = 64;

/**
 * Rows ([N, width], row-major) in which every threshold of a feature stands with both of its neighbours, and every odd value, each in at
 * least one row as far as they fit into `most` rows; features are shuffled against each other, the same way every time.
 */
export function checkRows(
  ensemble: Ensemble,
  width: number,
  most = MOST_ROWS,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const values = valuesByFeature(ensemble, width);
  const longest = values.reduce((longestSoFar, list) => Math.max(longestSoFar, list.length), 64);
  const count = Math.max(64, Math.min(most, 2 * longest, Math.floor(MOST_VALUES / Math.max(1, width))));
  const rows = floatsOf(ensemble.values, count * width);
  const random = seeded(1);
  values.forEach((list, feature) => {
    const order = shuffled(list.length, random);
    for (let row = 0; row < count; row++) {
      // The second time round in another order, so that values meet others.
      const index = row < list.length ? order[row]! : Math.floor(random() * list.length);
      rows[row * width + feature] = list[index]!;
    }
  });
  return rows;
}

function valuesByFeature(ensemble: Ensemble, width: number): (Float32Array | Float64Array)[] {
  const lists: Set<number>[] = Array.from({ length: width }, () => new Set());
  const { feature, threshold, rule } = ensemble.nodes;
  for (let node = 0; node < feature.length; node++) {
    const list = lists[feature[node]!];
    if (rule[node]! < RULE.category) list?.add(threshold[node]!);
    else for (const category of categoriesAround(ensemble, threshold[node]!)) list?.add(category);
  }
  return lists.map((list) => (ensemble.values === 'float32' ? withNeighbours32(list) : withNeighbours64(list)));
}

// Some members, what is beside the set, and what is no category.
function* categoriesAround({ categories }: Ensemble, set: number): Generator<number> {
  const size = 32 * (categories.first[set + 1]! - categories.first[set]!);
  for (let category = 0; category < Math.min(size, MOST_CATEGORIES); category++) yield category;
  yield* [size - 1, size, size + 0.5, -0.5, -1, 2 ** 31];
}

// Neighbours by their bits; of zero and of infinities they are odd values or NaN, which are no worse.
function withNeighbours32(list: ReadonlySet<number>): Float32Array {
  const bits = new Int32Array(Float32Array.from(list).buffer);
  const moved = (by: number): Float32Array => new Float32Array(bits.map((word) => word + by).buffer);
  return Float32Array.from([...list, ...moved(1), ...moved(-1), ...ODD]);
}

function withNeighbours64(list: ReadonlySet<number>): Float64Array {
  const bits = new BigInt64Array(Float64Array.from(list).buffer);
  const moved = (by: bigint): Float64Array => new Float64Array(bits.map((word) => word + by).buffer);
  return Float64Array.from([...list, ...moved(1n), ...moved(-1n), ...ODD, Number.MAX_VALUE, Number.MIN_VALUE]);
}

function shuffled(length: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
