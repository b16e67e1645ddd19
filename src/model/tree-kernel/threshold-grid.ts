/** How a value finds its rank among sorted thresholds: a cell of a grid says where to look, a few compares do the rest. */
export interface ThresholdGrid {
  readonly scale: number;
  readonly offset: number;
  /** Highest cell. */
  readonly last: number;
  /** Thresholds that lie in cells below; one per cell. */
  readonly below: Uint8Array;
  /** Thresholds that a cell holds at most. */
  readonly most: number;
}

/** Values are compared as these. */
export type CellType = 'float32' | 'float64';

const SIZES = [16, 64, 256, 1024, 4096];
/** Shares of the thresholds that the grid may leave outside on each side: they pile up in its first and last cell. */
const TRIMS = [0, 0.01, 0.05, 0.15];
/** Rough cost of a cell in cache, against that of a compare. */
const CELL_COST = 1 / 2048;

/**
 * The grid that needs the fewest compares for ascending distinct thresholds, at most 255 of them; `lanes` thresholds are compared at once.
 * A cell is a monotone function of the value, so that thresholds of lower cells are below it and those of higher ones are not: the rank is
 * exact however the grid lies.
 */
export function thresholdGrid(thresholds: Float64Array, type: CellType, lanes: number): ThresholdGrid {
  let best: Cells | null = null;
  let bestCost = Number.POSITIVE_INFINITY;
  const finite = thresholds.filter((t) => Number.isFinite(t));
  for (const trim of TRIMS) {
    const skip = Math.floor(trim * finite.length);
    const low = finite[skip] ?? 0;
    const high = finite[finite.length - 1 - skip] ?? 0;
    for (const size of SIZES) {
      // Not even one compare a value would make up for its cells.
      if (1 + size * CELL_COST >= bestCost) break;
      const grid = cellsOf(thresholds, type, low, high, size);
      const cost = Math.ceil(grid.most / lanes) + size * CELL_COST;
      if (cost < bestCost) {
        best = grid;
        bestCost = cost;
      }
      if (grid.most <= lanes) break;
    }
  }
  return gridOf(best!);
}

/** A grid, and how many thresholds lie in each of its cells. */
interface Cells extends Pick<ThresholdGrid, 'scale' | 'offset' | 'last' | 'most'> {
  readonly counts: Uint32Array;
}

/** The cell of a value, in the same steps and roundings as the kernel. */
export function cellOf(grid: Pick<ThresholdGrid, 'scale' | 'offset' | 'last'>, type: CellType, value: number): number {
  const round = type === 'float32' ? Math.fround : (x: number): number => x;
  const place = round(round(value * grid.scale) + grid.offset);
  if (!(place > 0)) return 0;
  const magic = type === 'float32' ? 2 ** 23 : 2 ** 52;
  return round(Math.min(place, grid.last) + magic) - magic;
}

function cellsOf(thresholds: Float64Array, type: CellType, low: number, high: number, size: number): Cells {
  const round = type === 'float32' ? Math.fround : (x: number): number => x;
  const scale = round(size / (high - low));
  const isUsable = Number.isFinite(scale) && scale > 0 && Number.isFinite(round(low * scale));
  const place = isUsable
    ? { scale, offset: round(-round(low * scale)), last: size - 1 }
    : { scale: 0, offset: 0, last: 0 };
  const counts = new Uint32Array(place.last + 1);
  let most = 0;
  for (const threshold of thresholds) most = Math.max(most, ++counts[cellOf(place, type, threshold)]!);
  return { ...place, most, counts };
}

function gridOf({ counts, ...place }: Cells): ThresholdGrid {
  const below = new Uint8Array(counts.length);
  for (let cell = 1; cell < counts.length; cell++) below[cell] = below[cell - 1]! + counts[cell - 1]!;
  return { ...place, below };
}
