import { type Ensemble, ZERO_BAND } from '../trees/ensemble.ts';

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

/**
 * Rows ([N, width], row-major) in which every threshold of a feature stands with both of its neighbours, and every odd value, each in at
 * least one row as far as they fit into `most` rows; features are shuffled against each other, the same way every time.
 */
export function checkRows(ensemble: Ensemble, width: number, most = MOST_ROWS): Float32Array<ArrayBuffer> {
  const values = valuesByFeature(ensemble, width);
  const longest = values.reduce((most, list) => Math.max(most, list.length), 64);
  const count = Math.max(64, Math.min(most, 2 * longest, Math.floor(MOST_VALUES / Math.max(1, width))));
  const rows = new Float32Array(count * width);
  const random = randomOf(1);
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

function valuesByFeature(ensemble: Ensemble, width: number): Float32Array[] {
  const lists: Set<number>[] = Array.from({ length: width }, () => new Set());
  const { feature, threshold } = ensemble.nodes;
  for (let node = 0; node < feature.length; node++) lists[feature[node]!]?.add(threshold[node]!);
  return lists.map((list) => {
    const thresholds = Float32Array.from(list);
    const bits = new Int32Array(thresholds.buffer);
    // Neighbours by their bits; of zero and of infinities they are odd values or NaN, which are no worse.
    const up = new Float32Array(Int32Array.from(bits, (b) => b + 1).buffer);
    const down = new Float32Array(Int32Array.from(bits, (b) => b - 1).buffer);
    return Float32Array.from([...thresholds, ...up, ...down, ...ODD]);
  });
}

function shuffled(length: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

// Mulberry32.
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
