import { type Ensemble, RULE } from '../trees/ensemble.ts';

/** Thresholds that a byte can rank: 0 to 254 below, 255 for a NaN that ranks above all. */
export const MOST_THRESHOLDS = 255;

/** What becomes of NaN before a value is ranked. */
export type Family = 'nan' | 'asZero' | 'zero';

/** A column of values that is ranked among up to 255 thresholds. */
export interface RankScan {
  readonly feature: number;
  readonly family: Family;
  /** Ascending, distinct. */
  readonly thresholds: Float64Array;
  /** Rank columns that it fills: where what is missing ranks lowest (goes left everywhere), and highest; -1 where nobody asks. */
  readonly low: number;
  readonly high: number;
}

/** Where a node finds its answer: it sends a row left where the rank in `column` is at most `rank`. */
export interface RankedNodes {
  readonly scans: readonly RankScan[];
  readonly columns: number;
  readonly column: Uint16Array;
  readonly rank: Uint8Array;
}

/** Ranks of all nodes; null where a threshold is NaN, a node asks for categories, or there are too many columns. */
export function rankNodes(ensemble: Ensemble): RankedNodes | null {
  const { feature, threshold, rule } = ensemble.nodes;
  const groups = new Map<number, { feature: number; family: Family; nodes: number[] }>();
  for (let node = 0; node < feature.length; node++) {
    const family = FAMILIES[rule[node]!];
    if (family === undefined || Number.isNaN(threshold[node]!)) return null;
    const key = feature[node]! * KINDS.length + KINDS.indexOf(family);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { feature: feature[node]!, family, nodes: [node] });
    else group.nodes.push(node);
  }
  const column = new Uint16Array(feature.length);
  const rank = new Uint8Array(feature.length);
  const scans: RankScan[] = [];
  let columns = 0;
  for (const group of [...groups.values()].sort((a, b) => a.feature - b.feature)) {
    const all = ascending(group.nodes.map((node) => threshold[node]!));
    const placeOf = new Map(Array.from(all, (value, place) => [value, place]));
    const pages = Array.from({ length: Math.ceil(all.length / MOST_THRESHOLDS) }, () => ({ low: -1, high: -1 }));
    // Map takes zeros of both signs for one.
    const pageOf = (node: number): number => Math.floor(placeOf.get(threshold[node]!)! / MOST_THRESHOLDS);
    for (const node of group.nodes) pages[pageOf(node)]![goesLow(rule[node]!) ? 'low' : 'high'] = 0;
    pages.forEach((page, i) => {
      if (page.low === 0) page.low = columns++;
      if (page.high === 0) page.high = columns++;
      const thresholds = all.slice(i * MOST_THRESHOLDS, (i + 1) * MOST_THRESHOLDS);
      scans.push({ feature: group.feature, family: group.family, thresholds, ...page });
    });
    if (columns > 0xffff) return null;
    for (const node of group.nodes) {
      column[node] = pages[pageOf(node)]![goesLow(rule[node]!) ? 'low' : 'high'];
      rank[node] = placeOf.get(threshold[node]!)! % MOST_THRESHOLDS;
    }
  }
  return { scans, columns, column, rank };
}

const KINDS: readonly Family[] = ['nan', 'asZero', 'zero'];

const FAMILIES: Readonly<Record<number, Family | undefined>> = {
  [RULE.nanLeft]: 'nan',
  [RULE.nanRight]: 'nan',
  [RULE.nanAsZero]: 'asZero',
  [RULE.zeroLeft]: 'zero',
  [RULE.zeroRight]: 'zero',
};

function goesLow(rule: number): boolean {
  return rule !== RULE.nanRight && rule !== RULE.zeroRight;
}

function ascending(values: readonly number[]): Float64Array {
  const sorted = Float64Array.from(values).sort();
  // Zeros of both signs are one threshold.
  return sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
}
