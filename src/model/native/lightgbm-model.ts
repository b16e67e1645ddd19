import { EnsembleBuilder } from './ensemble-builder.ts';
import { type LightGbmHeader, lightGbmHeader } from './lightgbm-header.ts';
import { lightGbmObjective } from './lightgbm-objective.ts';
import { lightGbmTree } from './lightgbm-tree.ts';
import type { CategoryValue, FeatureCategories, NativeModel } from './native-model.ts';
import type { RefuseModel } from './refuse-model.ts';
import { modelText, TextLines } from './text-lines.ts';

/** Reads a LightGBM model from its text (`save_model`, `model_to_string`). Errors: MODEL_INVALID. */
export function readLightGbm(bytes: Uint8Array, refuse: RefuseModel): NativeModel {
  const lines = new TextLines(modelText(bytes, refuse));
  if (lines.next() !== 'tree') refuse('the file does not begin as a LightGBM model', lines.place);
  const header = lightGbmHeader(lines, refuse);
  const { features, treesPerRound: targets } = header;
  const objective = lightGbmObjective(header.objective, targets, refuse);
  if (objective.scores !== targets)
    refuse('the objective takes another number of scores than the model has', header.objective.place, {
      expected: String(objective.scores),
      got: String(targets),
    });
  const builder = new EnsembleBuilder({ features, targets, values: 'float64', sums: 'float64' }, refuse);
  const rounds = readTrees(lines, header, builder, refuse);
  const { parameters, lists } = readTail(lines, refuse);
  const categories = placed(header, parameters, lists);
  return {
    // LightGBM adds from zero; a raw score of a random forest is not divided, only what it answers.
    ensemble: builder.build({ base: new Float64Array(targets), baseAdded: 'last', divisor: 1 }),
    kind: 'lightgbm',
    featureNames: header.featureNames,
    categories: categories ?? [],
    looseCategories: categories === null ? lists : [],
    categorical: [...new Set([...header.listed, ...(categories ?? []).map((one) => one.feature)])].sort(
      (a, b) => a - b,
    ),
    objective: header.objective.value.split(' ')[0] ?? '',
    outputs: {
      average: header.isAverage ? Math.max(rounds, 1) : 1,
      transform: objective.transform,
      arithmetic: 'float64',
      classes: objective.classes,
    },
    classes: null,
    // `save_model` leaves out what is behind the best iteration: the file holds what is used.
    rounds: { inFile: rounds, used: rounds },
  };
}

/** Reads every tree, the line of the first being read already. Answers with the number of whole rounds. */
function readTrees(lines: TextLines, header: LightGbmHeader, builder: EnsembleBuilder, refuse: RefuseModel): number {
  let trees = 0;
  const announced = header.trees ?? Number.POSITIVE_INFINITY;
  if (lines.last !== 'end of trees')
    for (let line: string | null = lines.last; line !== 'end of trees'; line = lines.next()) {
      if (line === null) refuse('the file ends before the end of its trees', lines.place);
      if (line === '') continue;
      if (!line.startsWith('Tree=') || trees >= announced) refuse('a tree was expected', lines.place);
      lightGbmTree(lines, trees % header.treesPerRound, builder, refuse);
      trees++;
    }
  if (header.trees !== null && trees !== header.trees)
    refuse('the file has not as many trees as it announces', lines.place, {
      expected: String(header.trees),
      got: String(trees),
    });
  if (trees % header.treesPerRound !== 0)
    refuse('the last round has not a tree for every score', lines.place, {
      expected: `a multiple of ${header.treesPerRound}`,
      got: String(trees),
    });
  return trees / header.treesPerRound;
}

interface Tail {
  /** Numbers of the features that the training was told are categorical; null where the file does not say. */
  readonly parameters: readonly number[] | null;
  /** Categories of the columns of a pandas table, in the order of its categorical columns. */
  readonly lists: readonly (readonly CategoryValue[])[];
}

function readTail(lines: TextLines, refuse: RefuseModel): Tail {
  let parameters: readonly number[] | null = null;
  let lists: readonly (readonly CategoryValue[])[] = [];
  let isInside = false;
  for (let line = lines.next(); line !== null; line = lines.next()) {
    if (line === 'parameters:') isInside = true;
    else if (line === 'end of parameters') isInside = false;
    const named = /^\[categorical_feature: ([\d,]*)\]$/.exec(line)?.[1];
    if (isInside && named !== undefined) parameters = named === '' ? [] : named.split(',').map(Number);
    if (!isInside && line.startsWith('pandas_categorical:')) lists = pandasLists(line, lines.place, refuse);
  }
  if (isInside) refuse('the file ends inside its parameters', lines.place);
  return { parameters, lists };
}

function pandasLists(line: string, place: string, refuse: RefuseModel): readonly (readonly CategoryValue[])[] {
  let found: unknown;
  try {
    found = JSON.parse(line.slice('pandas_categorical:'.length));
  } catch {
    refuse('pandas_categorical is no JSON', place);
  }
  if (found === null) return [];
  const isList = Array.isArray(found) && found.every((list) => Array.isArray(list) && list.every(isCategory));
  return isList ? (found as CategoryValue[][]) : refuse('pandas_categorical is no list of lists', place);
}

function isCategory(value: unknown): value is CategoryValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/**
 * Which features the lists belong to: the file does not say it. The features named as categorical in training, or those whose info lists
 * categories, if they are as many as the lists; null where neither fits (a column that is constant, or ordered).
 */
function placed(
  { features, listed, infos }: LightGbmHeader,
  parameters: readonly number[] | null,
  lists: readonly (readonly CategoryValue[])[],
): readonly FeatureCategories[] | null {
  const fits = [parameters ?? [], listed].find(
    (places) => places.length === lists.length && places.every((feature) => feature < features),
  );
  if (fits === undefined) return null;
  const inOrder = [...fits].sort((a, b) => a - b);
  // A column of numbers that was named as categorical has no list, though it may be counted for one that has.
  if (lists.some((values, i) => mostSeen(infos[inOrder[i]!]!) >= values.length)) return null;
  return lists.map((values, i) => ({ feature: inOrder[i]!, values }));
}

// The largest category of a feature that was seen in training.
function mostSeen(info: string): number {
  return /^-?\d+(:-?\d+)*$/.test(info) ? Math.max(...info.split(':').map(Number)) : -1;
}
