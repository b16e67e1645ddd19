import { RULE } from '../trees/ensemble.ts';
import { nextDownFloat } from '../trees/float-steps.ts';
import type { EnsembleBuilder } from './ensemble-builder.ts';
import type { Part } from './model-json.ts';

/** Categories are floats: what is above this one is none (src/common/categorical.h). */
const MOST_CATEGORY = 2 ** 24 - 1;
const INT = 2 ** 31 - 1;

/** What a tree's arrays say, an entry per node. */
interface TreeArrays {
  readonly part: Part;
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  readonly feature: ArrayLike<number>;
  readonly condition: ArrayLike<number>;
  readonly isDefaultLeft: ArrayLike<number>;
  readonly cover: ArrayLike<number> | null;
  /** Sets of categories that go right, by node. */
  readonly sets: ReadonlyMap<number, ArrayLike<number>>;
}

/** Adds one tree, whose leaves are multiplied by `weight` in float32 (dart). Errors: MODEL_INVALID. */
export function xgboostTree(part: Part, target: number, weight: number, builder: EnsembleBuilder): void {
  const parameters = part.at('tree_param');
  if (parameters.has('size_leaf_vector') && parameters.at('size_leaf_vector').whole(0, INT) > 1)
    part.fail(
      'the model has trees whose leaves hold several values (multi_output_tree), which are not supported',
      'Train it with multi_strategy=one_output_per_tree.',
    );
  const tree = arraysOf(part, parameters.at('num_nodes').whole(1, INT));
  const children: { node: number; side: 'left' | 'right'; at: number }[] = [];
  const links: { left: number; right: number }[] = [];
  const first = builder.nodes;
  const add = (at: number): number => {
    const cover = tree.cover === null ? Number.NaN : tree.cover[at]!;
    if (tree.left[at] === -1)
      return builder.leaf(target, Math.fround(Math.fround(tree.condition[at]!) * weight), cover, at);
    const node = addNode(tree, at, cover, builder);
    links.push({ left: 0, right: 0 });
    children.push({ node, side: 'right', at: tree.right[at]! }, { node, side: 'left', at: tree.left[at]! });
    return node;
  };
  const root = add(0);
  let reached = 1;
  for (let next = children.pop(); next !== undefined; next = children.pop()) {
    if (++reached > tree.left.length) part.fail('the tree reaches one of its nodes twice');
    links[next.node - first]![next.side] = add(next.at);
  }
  links.forEach(({ left, right }, i) => {
    builder.link(first + i, left, right);
  });
  builder.root(root, part.path);
}

function arraysOf(part: Part, count: number): TreeArrays {
  const left = part.at('left_children').wholes(-1, count - 1, count);
  const right = part.at('right_children').wholes(-1, count - 1, count);
  for (let i = 0; i < count; i++)
    // XGBoost goes right by taking the node behind the left one.
    if (left[i] === 0 || (left[i] !== -1 && right[i] !== left[i]! + 1))
      part.fail(`node ${i} has children that cannot be`);
  return {
    part,
    left,
    right,
    feature: part.at('split_indices').wholes(0, INT, count),
    condition: part.at('split_conditions').numbers(count),
    isDefaultLeft: part.at('default_left').wholes(0, 1, count),
    cover: part.has('sum_hessian') ? part.at('sum_hessian').numbers(count) : null,
    sets: categorySets(part, count),
  };
}

function addNode(tree: TreeArrays, at: number, cover: number, builder: EnsembleBuilder): number {
  const { part } = tree;
  const isDefaultLeft = tree.isDefaultLeft[at] === 1;
  const set = tree.sets.get(at);
  if (set !== undefined) {
    const rule = isDefaultLeft ? RULE.categoryElseLeft : RULE.categoryElseLeftNanRight;
    return builder.node(tree.feature[at]!, builder.set(othersOf(set)), rule, cover, part.path);
  }
  const condition = Math.fround(tree.condition[at]!);
  if (!(condition > Number.NEGATIVE_INFINITY)) part.fail(`node ${at} has a threshold that no value is below`);
  const rule = isDefaultLeft ? RULE.nanLeft : RULE.nanRight;
  return builder.node(tree.feature[at]!, nextDownFloat(condition), rule, cover, part.path);
}

function categorySets(part: Part, count: number): ReadonlyMap<number, ArrayLike<number>> {
  const sets = new Map<number, ArrayLike<number>>();
  // Files of before 1.3 have none.
  if (!part.has('split_type')) return sets;
  const types = part.at('split_type').wholes(0, 1, count);
  const nodes = part.at('categories_nodes').wholes(0, count - 1);
  const categories = part.at('categories').wholes(0, MOST_CATEGORY);
  const firsts = part.at('categories_segments').wholes(0, categories.length, nodes.length);
  const sizes = part.at('categories_sizes').wholes(1, categories.length, nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const end = firsts[i]! + sizes[i]!;
    if (end > categories.length) part.at('categories_sizes').fail('a set ends behind the categories');
    sets.set(nodes[i]!, Array.prototype.slice.call(categories, firsts[i]!, end));
  }
  for (let i = 0; i < count; i++)
    if ((types[i] === 1) !== sets.has(i)) part.fail(`node ${i} is categorical in one place and not in another`);
  return sets;
}

/** The set of those that go left, in words: all but the given ones. What is beyond its words goes left as well. */
function othersOf(categories: ArrayLike<number>): Uint32Array {
  let most = 0;
  for (let i = 0; i < categories.length; i++) most = Math.max(most, categories[i]!);
  const words = new Uint32Array((most >> 5) + 1).fill(0xffffffff);
  for (let i = 0; i < categories.length; i++) {
    const category = categories[i]!;
    words[category >> 5]! &= ~(1 << (category & 31));
  }
  return words;
}
