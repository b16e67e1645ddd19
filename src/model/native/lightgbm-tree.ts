import { RULE, ZERO_BAND } from '../trees/ensemble.ts';
import { nextDown } from '../trees/float-steps.ts';
import type { EnsembleBuilder } from './ensemble-builder.ts';
import type { RefuseModel } from './refuse-model.ts';
import { numbers, type TextLines, type TextValue, wholeNumber, wholeNumbers } from './text-lines.ts';

/** Bits of decision_type (include/LightGBM/tree.h). */
const CATEGORICAL = 1;
const DEFAULT_LEFT = 2;
const MISSING = { none: 0, zero: 1, nan: 2 } as const;

const MOST_LINES = 64;
const INT = [-(2 ** 31), 2 ** 31 - 1] as const;

/** Reads one tree, after its line `Tree=`, up to the empty line behind it. Errors: MODEL_INVALID. */
export function lightGbmTree(lines: TextLines, target: number, builder: EnsembleBuilder, refuse: RefuseModel): void {
  const tree = new TreeText(lines, refuse);
  const leaves = tree.count('num_leaves', 1);
  if (tree.has('is_linear') && tree.count('is_linear', 0) !== 0)
    refuse('the model has linear trees (linear_tree), which are not supported', tree.value('is_linear').place, {
      fix: 'Train it with linear_tree=false.',
    });
  const firstNode = builder.nodes;
  const firstLeaf = builder.leaves;
  addLeaves(tree, leaves, target, builder);
  if (leaves === 1) {
    builder.root(~firstLeaf, tree.place);
    return;
  }
  addNodes(tree, leaves - 1, addSets(tree, builder, refuse), builder);
  const link = (name: string): number[] =>
    tree
      .wholes(name, leaves - 1, [-leaves, leaves - 2])
      .map((child) => (child >= 0 ? firstNode + child : ~(firstLeaf + ~child)));
  const [left, right] = [link('left_child'), link('right_child')];
  for (let i = 0; i < left.length; i++) builder.link(firstNode + i, left[i]!, right[i]!);
  builder.root(firstNode, tree.place);
}

class TreeText {
  private readonly values = new Map<string, TextValue>();
  private readonly refuse: RefuseModel;
  readonly place: string;

  constructor(lines: TextLines, refuse: RefuseModel) {
    this.refuse = refuse;
    this.place = lines.place;
    for (let line = lines.next(); line !== ''; line = lines.next()) {
      if (line === null) refuse('the file ends inside a tree', lines.place);
      const at = line.indexOf('=');
      if (at < 1 || this.values.size >= MOST_LINES) refuse('a line of a tree cannot be read', lines.place);
      this.values.set(line.slice(0, at), { value: line.slice(at + 1), place: lines.place });
    }
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  value(name: string): TextValue {
    return this.values.get(name) ?? this.refuse(`a tree has no ${name}`, this.place);
  }

  count(name: string, least: number): number {
    const text = this.value(name);
    const count = wholeNumber(name, text, this.refuse);
    if (count < least)
      this.refuse(`${name} is too small`, text.place, { expected: `at least ${least}`, got: String(count) });
    return count;
  }

  numbers(name: string, count: number): number[] {
    return numbers(name, this.value(name), count, this.refuse);
  }

  wholes(name: string, count: number, range: readonly [number, number]): number[] {
    return wholeNumbers(name, this.value(name), count, range, this.refuse);
  }

  /** Training rows below nodes or leaves; unknown in files that leave them out. */
  covers(name: string, count: number): readonly number[] {
    return this.has(name) && this.value(name).value !== ''
      ? this.numbers(name, count)
      : new Array<number>(count).fill(Number.NaN);
  }
}

function addLeaves(tree: TreeText, count: number, target: number, builder: EnsembleBuilder): void {
  const weights = tree.numbers('leaf_value', count);
  // A tree of one leaf has nothing to weigh, and its count is often left out.
  const covers = count === 1 ? [1] : tree.covers('leaf_count', count);
  weights.forEach((weight, i) => void builder.leaf(target, weight, covers[i]!));
}

/** Sets of categories in the order of the file; answers with the number of the first and how many. */
function addSets(tree: TreeText, builder: EnsembleBuilder, refuse: RefuseModel): { first: number; count: number } {
  const count = tree.count('num_cat', 0);
  if (count === 0) return { first: 0, count };
  const bounds = tree.wholes('cat_boundaries', count + 1, [0, INT[1]]);
  const { place } = tree.value('cat_boundaries');
  if (bounds[0] !== 0 || bounds.some((bound, i) => i > 0 && bound < bounds[i - 1]!))
    refuse('cat_boundaries do not rise from zero', place);
  const words = tree.wholes('cat_threshold', bounds[count]!, [0, 2 ** 32 - 1]);
  const sets = bounds.slice(1).map((end, i) => builder.set(words.slice(bounds[i]!, end)));
  return { first: sets[0]!, count };
}

function addNodes(
  tree: TreeText,
  count: number,
  sets: { first: number; count: number },
  builder: EnsembleBuilder,
): void {
  const features = tree.wholes('split_feature', count, [0, INT[1]]);
  const thresholds = tree.numbers('threshold', count);
  const decisions = tree.has('decision_type')
    ? tree.wholes('decision_type', count, [0, 127])
    : new Array<number>(count).fill(0);
  const covers = tree.covers('internal_count', count);
  const { place } = tree.value('threshold');
  for (let i = 0; i < count; i++) {
    const decision = decisions[i]!;
    const [threshold, rule] =
      (decision & CATEGORICAL) === 0 || sets.count === 0
        ? settled(thresholds[i]!, (decision & DEFAULT_LEFT) !== 0, (decision >> 2) & 3)
        : [sets.first + Math.trunc(thresholds[i]!), RULE.category];
    if (rule === RULE.category && !(thresholds[i]! >= 0 && thresholds[i]! < sets.count))
      // A set that is not there.
      builder.node(features[i]!, Number.NaN, rule, covers[i]!, place);
    else builder.node(features[i]!, threshold, rule, covers[i]!, place);
  }
}

/**
 * A numeric node by as simple a rule as decides the same. LightGBM's `predict` takes values within 1e-35 of zero as zero, and NaN too where
 * the node's missing type is not NaN: then the threshold alone says where they go, and it may stand at the end of that band.
 */
function settled(threshold: number, isDefaultLeft: boolean, missing: number): readonly [number, number] {
  const isInBand = threshold >= -ZERO_BAND && threshold < ZERO_BAND;
  if (missing === MISSING.zero) {
    if (isDefaultLeft && threshold >= -ZERO_BAND) return [Math.max(threshold, ZERO_BAND), RULE.nanLeft];
    if (!isDefaultLeft && threshold < ZERO_BAND) return [Math.min(threshold, BELOW_BAND), RULE.nanRight];
    return [threshold, isDefaultLeft ? RULE.zeroLeft : RULE.zeroRight];
  }
  const at = isInBand ? (threshold >= 0 ? ZERO_BAND : BELOW_BAND) : threshold;
  const isNanLeft = missing === MISSING.nan ? isDefaultLeft : threshold >= 0;
  return [at, isNanLeft ? RULE.nanLeft : RULE.nanRight];
}

const BELOW_BAND = nextDown(-ZERO_BAND);
