import { EnsembleBuilder } from './ensemble-builder.ts';
import { Part, parseModelJson } from './model-json.ts';
import type { CategoryValue, FeatureCategories, NativeModel, NativeRounds } from './native-model.ts';
import type { RefuseModel } from './refuse-model.ts';
import { modelText } from './text-lines.ts';
import { readUbjson } from './ubjson.ts';
import { xgboostCategories } from './xgboost-categories.ts';
import { baseMargins, xgboostObjective } from './xgboost-objective.ts';
import { xgboostTree } from './xgboost-tree.ts';

const INT = 2 ** 31 - 1;
const MOST_TARGETS = 100_000;
const MOST_FEATURES = 2 ** 20;

/** Reads an XGBoost model from JSON (`save_model('model.json')`). Errors: MODEL_INVALID. */
export function readXgboostJson(bytes: Uint8Array, refuse: RefuseModel): NativeModel {
  return readLearner(new Part(parseModelJson(modelText(bytes, refuse), refuse), '', refuse), refuse);
}

/** Reads an XGBoost model from UBJSON (`save_model('model.ubj')`, the default). Errors: MODEL_INVALID. */
export function readXgboostUbj(bytes: Uint8Array, refuse: RefuseModel): NativeModel {
  return readLearner(new Part(readUbjson(bytes, refuse), '', refuse), refuse);
}

function readLearner(file: Part, refuse: RefuseModel): NativeModel {
  const learner = file.at('learner');
  const parameters = learner.at('learner_model_param');
  const features = parameters.at('num_feature').whole(1, MOST_FEATURES);
  const classes = parameters.at('num_class').whole(0, MOST_TARGETS);
  const targets = Math.max(
    1,
    classes,
    parameters.has('num_target') ? parameters.at('num_target').whole(1, MOST_TARGETS) : 1,
  );
  const objective = xgboostObjective(learner);
  const booster = boosterOf(learner);
  const builder = new EnsembleBuilder({ features, targets, values: 'float32', sums: 'float32' }, refuse);
  const rounds = addTrees(learner, booster, targets, builder);
  refuseUntrained(rounds, parameters);
  const version = versionOf(file);
  const base = baseMargins(parameters.at('base_score'), targets, objective.link, version);
  const categories = xgboostCategories(booster.model, features, version);
  return {
    ensemble: builder.build({ base, baseAdded: 'first', divisor: 1 }),
    kind: 'xgboost',
    featureNames: textsOf(learner, 'feature_names', features),
    categories,
    looseCategories: [],
    categorical: categoricalOf(textsOf(learner, 'feature_types', features), categories),
    objective: objective.name,
    outputs: {
      average: 1,
      transform: objective.transform,
      arithmetic: 'float32',
      classes: objective.answers === 'classes' ? targets : objective.answers === 'two classes' && targets === 1 ? 2 : 0,
    },
    classes: classesOf(learner),
    rounds,
  };
}

interface Booster {
  readonly model: Part;
  /** Of dart models: by what the leaves of a tree are multiplied. */
  readonly weights: ArrayLike<number> | null;
}

function boosterOf(learner: Part): Booster {
  const booster = learner.at('gradient_booster');
  const name = booster.at('name').text;
  if (name === 'gblinear')
    booster.fail(
      'the model is linear (gblinear), which is not supported',
      "Train it with booster='gbtree', or convert it to ONNX.",
    );
  if (name !== 'gbtree' && name !== 'dart') booster.at('name').fail('the booster is not known');
  const model = (name === 'dart' ? booster.at('gbtree') : booster).at('model');
  // Beside the trees from version 3.3 on, before that in the booster.
  const place = [model, booster].find((part) => part.has('weight_drop'));
  if (name === 'dart' && place === undefined) booster.fail('there is no weight_drop');
  return { model, weights: place?.at('weight_drop').numbers() ?? null };
}

// Of a booster that was never trained XGBoost takes a base score that nobody set as a raw score, and one that was set as an answer.
function refuseUntrained({ inFile }: NativeRounds, parameters: Part): void {
  if (inFile > 0 || !parameters.has('boost_from_average') || parameters.at('boost_from_average').text === '0') return;
  parameters.fail('the model has no trees, and no base score that was set: it was not trained', 'Train it.');
}

/** Adds the trees that XGBoost's own `predict` uses. */
function addTrees(learner: Part, { model, weights }: Booster, targets: number, builder: EnsembleBuilder): NativeRounds {
  const trees = model.at('trees').list;
  const groups = model.at('tree_info').wholes(0, targets - 1, trees.length);
  const bounds = roundBounds(model, groups, trees.length);
  const inFile = bounds.length - 1;
  const used = Math.min(inFile, bestRounds(learner) ?? inFile);
  if (weights !== null && weights.length > trees.length) model.fail('there are more weights than trees');
  trees.slice(0, bounds[used]!).forEach((tree, i) => {
    if (tree.has('id') && tree.at('id').whole(0, INT) !== i) tree.at('id').fail('trees are not in order');
    xgboostTree(tree, groups[i]!, Math.fround(weights?.[i] ?? 1), builder);
  });
  return { inFile, used };
}

/** Where rounds end among the trees, from zero. Files of before 1.7 do not say it. */
function roundBounds(model: Part, groups: ArrayLike<number>, trees: number): number[] {
  if (model.has('iteration_indptr')) {
    const bounds = Array.from(model.at('iteration_indptr').wholes(0, trees));
    if (bounds[0] !== 0 || bounds.at(-1) !== trees || bounds.some((bound, i) => i > 0 && bound < bounds[i - 1]!))
      model.at('iteration_indptr').fail('rounds do not rise from zero to the number of trees');
    return bounds;
  }
  let most = 0;
  for (let i = 0; i < groups.length; i++) most = Math.max(most, groups[i]!);
  const forest = model.at('gbtree_model_param');
  const parallel = forest.has('num_parallel_tree') ? forest.at('num_parallel_tree').whole(0, INT) : 1;
  const size = Math.max(1, parallel) * (most + 1);
  if (trees % size !== 0) model.fail(`${trees} trees are no whole rounds of ${size}`);
  return Array.from({ length: trees / size + 1 }, (_, i) => i * size);
}

/**
 * Rounds up to the best of early stopping: what `XGBClassifier.predict` and its like use, whose files carry the mark `scikit_learn`. A bare
 * `Booster.predict` uses all.
 */
function bestRounds(learner: Part): number | null {
  if (!learner.has('attributes')) return null;
  const attributes = learner.at('attributes');
  if (!attributes.has('scikit_learn') || !attributes.has('best_iteration')) return null;
  return attributes.at('best_iteration').whole(0, INT) + 1;
}

function versionOf(file: Part): number {
  if (!file.has('version')) return 0;
  const version = file.at('version').wholes(0, 1000);
  return Number(`${version[0] ?? 0}.${version[1] ?? 0}`);
}

function textsOf(learner: Part, key: string, features: number): string[] | null {
  if (!learner.has(key)) return null;
  const texts = learner.at(key).list.map((part) => part.text);
  if (texts.length === 0) return null;
  return texts.length === features ? texts : learner.at(key).fail(`it names ${texts.length} features of ${features}`);
}

function categoricalOf(types: readonly string[] | null, lists: readonly FeatureCategories[]): number[] {
  const marked = (types ?? []).flatMap((type, feature) => (type === 'c' ? [feature] : []));
  return [...new Set([...marked, ...lists.map(({ feature }) => feature)])].sort((a, b) => a - b);
}

/** Labels that the scikit-learn wrapper of versions before 2 kept; later ones take 0, 1, ... */
function classesOf(learner: Part): CategoryValue[] | null {
  if (!learner.has('attributes') || !learner.at('attributes').has('scikit_learn')) return null;
  let kept: unknown;
  try {
    kept = JSON.parse(learner.at('attributes').at('scikit_learn').text);
  } catch {
    return null;
  }
  const labels = typeof kept === 'object' && kept !== null && 'classes_' in kept ? kept.classes_ : null;
  const isPlain = (label: unknown): label is CategoryValue => ['string', 'number', 'boolean'].includes(typeof label);
  return Array.isArray(labels) && labels.length > 0 && labels.every(isPlain) ? labels : null;
}
