/** Middle, least and largest of some figures. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of at least one figure. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * How many times as fast as `other` the first one is: the ratio of the median walls, with the least and largest ratio
 * within a round. Both of a round ran within seconds of each other, so a slow spell of the machine hits both.
 */
export function speedRatio(walls: readonly number[], other: readonly number[]): Spread {
  const pairs = spread(walls.map((wall, round) => other[round]! / wall));
  return { ...pairs, median: spread(other).median / spread(walls).median };
}
