import type { CoverWalk } from './cover-walk.ts';
import type { Ensemble } from './ensemble.ts';
import type { LeafWays } from './leaf-ways.ts';
import { type Block, blocksOf, type TreeBlocks } from './tree-blocks.ts';

/**
 * A block with its place in the table, which has a row for every index: for each target the contributions of the features, then the
 * score.
 */
export interface TabledBlock extends Block {
  readonly features: Int32Array;
  readonly targets: Int32Array;
  /** First value of its first row, and the number of that row. */
  readonly values: number;
  readonly rows: number;
}

export interface PlannedTree extends Omit<TreeBlocks, 'blocks'> {
  readonly blocks: readonly TabledBlock[];
  /** Set: it takes the whole tree. */
  readonly walk: CoverWalk | null;
}

export interface BlockPlan {
  readonly trees: readonly PlannedTree[];
  /** Of the whole table. */
  readonly values: number;
  readonly rows: number;
}

/** Values of a model's table at most (64 MiB, of which what no row asks for is never touched). */
const MOST_VALUES = 2 ** 23;
const LEAST_VALUES = 2 ** 12;
const MOST_BITS = 10;
/** A leaf on its own may have a longer way. */
const MOST_LEAF_BITS = 13;

/** Cuts all trees into blocks, as large as the table for them allows. */
export function planBlocks(
  ensemble: Ensemble,
  questions: Int32Array,
  ways: LeafWays,
  walkOf: (root: number) => CoverWalk | null,
  mostValues = MOST_VALUES,
): BlockPlan {
  const trees: PlannedTree[] = [];
  let values = 0;
  let rows = 0;
  for (const root of ensemble.roots) {
    const left = mostValues - values;
    const most = Math.min(left, Math.max(LEAST_VALUES, left / (ensemble.roots.length - trees.length)));
    const whole = fittingBlocks(ensemble, questions, ways, root, most, MOST_LEAF_BITS);
    const walk = whole === null ? walkOf(root) : null;
    if (walk !== null) {
      trees.push({ upper: [], blocks: [], alone: [], walk });
      continue;
    }
    const { upper, blocks, alone } = whole ?? someBlocks(ensemble, questions, ways, root, most);
    const tabled = blocks.map((block): TabledBlock => {
      const one = { ...block, values, rows };
      values += indexes(block) * rowWidth(block);
      rows += indexes(block);
      return one;
    });
    trees.push({ upper, blocks: tabled, alone, walk: null });
  }
  return { trees, values, rows };
}

type Content = Pick<TabledBlock, 'features' | 'targets'>;

type Fitting = Omit<TreeBlocks, 'blocks'> & { readonly blocks: readonly (Block & Content)[] };

/** The largest blocks that take a whole tree with so many values of their tables together at most; null where there are none. */
function fittingBlocks(
  ensemble: Ensemble,
  questions: Int32Array,
  ways: LeafWays,
  root: number,
  most: number,
  leafBits: number,
): Fitting | null {
  for (let bits = Math.min(MOST_BITS, leafBits); bits >= 0; bits -= 2) {
    const found = filledBlocks(ensemble, questions, ways, root, bits, leafBits);
    if (found.alone.length > 0) return null;
    if (valuesOf(found) <= most) return found;
  }
  return null;
}

/** Blocks of a tree that leave some of its leaves alone. */
function someBlocks(ensemble: Ensemble, questions: Int32Array, ways: LeafWays, root: number, most: number): Fitting {
  for (let bits = MOST_BITS; ; bits--) {
    const found = filledBlocks(ensemble, questions, ways, root, bits, bits);
    if (valuesOf(found) <= most || bits === 0) return found;
  }
}

function filledBlocks(
  ensemble: Ensemble,
  questions: Int32Array,
  ways: LeafWays,
  root: number,
  bits: number,
  leafBits: number,
): Fitting {
  const { blocks, ...rest } = blocksOf(ensemble, root, questions, bits, leafBits);
  return { ...rest, blocks: blocks.map((block) => ({ ...block, ...contentOf(ensemble, ways, block) })) };
}

function valuesOf({ blocks }: Fitting): number {
  return blocks.reduce((sum, block) => sum + indexes(block) * rowWidth(block), 0);
}

function indexes({ above, questions }: Block): number {
  return 2 ** (above + questions.length);
}

/** Values in a row of a block's part of the table. */
export function rowWidth({ features, targets }: Content): number {
  return targets.length * (features.length + 1);
}

function contentOf({ leaves }: Ensemble, ways: LeafWays, block: Block): Content {
  const targets = new Set<number>();
  const features = new Set<number>();
  for (const leaf of block.leaves) {
    for (let i = leaves.first[leaf]!; i < leaves.first[leaf + 1]!; i++) targets.add(leaves.target[i]!);
    const way = ways.to(leaf);
    for (let i = 0; i < way.count; i++) features.add(way.features[i]!);
  }
  return { features: Int32Array.from(features), targets: Int32Array.from(targets) };
}
