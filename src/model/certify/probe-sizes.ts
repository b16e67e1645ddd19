import { seeded } from '../elements/seeded.ts';

/** Sizes at which kernels change over: every small one, and those around multiples of vectors and blocks. */
const ALL = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000,
  4096,
];
const SIZES = {
  all: ALL,
  some: [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 257, 1000, 4096],
  few: [1, 3, 8, 16, 17, 33, 64, 65, 129, 257, 1000],
} as const;

/** How thoroughly a model is tried. */
export interface ProbeDepth {
  /** Milliseconds for everything. */
  readonly budgetMs: number;
  /** Rows that are made up at most, beside loud ones and edges. */
  readonly madeRows: number;
  /** Rows that are scored at each size: in more batches of a small one than of a large one. */
  readonly rowsPerSize: number;
  /** Batches of each size at least. */
  readonly batches: number;
  readonly mostRows: number;
  readonly sizes: keyof typeof SIZES;
  /** Whether what each policy costs is measured. */
  readonly isTimed: boolean;
}

/** Sizes of batches to try, the smallest first. */
export function probeSizes({ mostRows, sizes }: ProbeDepth, fixedBatch: number | null): readonly number[] {
  return fixedBatch === null ? SIZES[sizes].filter((size) => size <= mostRows) : [fixedBatch];
}

/**
 * Batches of one size out of `rows` rows: in the order in which they lie, then shuffled, so that a row stands at several places among several
 * others. `isReference`: those in order are what the answers are compared with, so all are shuffled. The same ones every time.
 */
export function* probeOrders(
  rows: number,
  size: number,
  depth: ProbeDepth,
  isReference: boolean,
): Generator<Int32Array> {
  const wanted = Math.min(Math.ceil(depth.rowsPerSize / size), Math.ceil((3 * rows) / size));
  const count = Math.max(depth.batches, wanted);
  const random = seeded(size);
  let order = Int32Array.from({ length: rows }, (_, i) => i);
  let at = 0;
  if (isReference) order = shuffled(order, random);
  for (let batch = 0; batch < count; batch++) {
    if (batch > 0 && at + Math.min(size, rows) > rows) {
      order = shuffled(order, random);
      at = 0;
    }
    const start = at;
    yield Int32Array.from({ length: size }, (_, i) => order[(start + i) % rows]!);
    at += size;
  }
}

function shuffled(order: Int32Array, random: () => number): Int32Array<ArrayBuffer> {
  const next = Int32Array.from(order);
  for (let i = next.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [next[i], next[j]] = [next[j]!, next[i]!];
  }
  return next;
}
