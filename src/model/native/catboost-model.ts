import { RULE } from '../trees/ensemble.ts';
import { decodeCbm } from './catboost-cbm.ts';
import { catboostObjective } from './catboost-objective.ts';
import { addOblivious, type CatboostSplit, type LeafShape } from './catboost-trees.ts';
import { EnsembleBuilder } from './ensemble-builder.ts';
import { Part, parseModelJson } from './model-json.ts';
import type { NativeModel } from './native-model.ts';
import type { RefuseModel } from './refuse-model.ts';
import { modelText } from './text-lines.ts';

const INT = 2 ** 31 - 1;
const DEEPEST = 16;

/** Reads a CatBoost model from JSON (`save_model('model.json', format='json')`). Errors: MODEL_INVALID. */
export function readCatboostJson(bytes: Uint8Array, refuse: RefuseModel): NativeModel {
  return readContent(new Part(parseModelJson(modelText(bytes, refuse), refuse), '', refuse), refuse);
}

/** Reads a CatBoost model from its own format (`save_model('model.cbm')`, the default). Errors: MODEL_INVALID. */
export function readCatboostCbm(bytes: Uint8Array, refuse: RefuseModel): NativeModel {
  return readContent(new Part(decodeCbm(bytes, refuse), '', refuse), refuse);
}

function readContent(file: Part, refuse: RefuseModel): NativeModel {
  const { features, floats, names, categorical } = featuresOf(file.at('features_info'));
  const { divisor, base } = scaleOf(file.at('scale_and_bias'));
  const targets = base.length;
  const builder = new EnsembleBuilder({ features, targets, values: 'float32', sums: 'float64' }, refuse);
  const leaf: LeafShape = { targets: base.map((_, i) => i) };
  const trees = file.has('trees') ? file.at('trees').list : file.at('oblivious_trees').list;
  for (const tree of trees)
    if (tree.has('splits') || tree.has('leaf_values')) addSymmetric(tree, floats, leaf, builder);
    else addBranches(tree, floats, leaf, builder);
  return {
    ensemble: builder.build({ base: Float64Array.from(base), baseAdded: 'last', divisor }),
    kind: 'catboost',
    featureNames: names,
    categories: [],
    looseCategories: [],
    categorical,
    ...catboostObjective(file, targets),
    rounds: { inFile: trees.length, used: trees.length },
  };
}

/** A numeric feature by its number among them. */
interface FloatFeature {
  /** Its place in a row. */
  readonly feature: number;
  readonly rule: number;
}

interface Features {
  readonly features: number;
  readonly floats: readonly FloatFeature[];
  readonly names: string[] | null;
  readonly categorical: number[];
}

function featuresOf(info: Part): Features {
  const listed = (key: string): Part[] => (info.has(key) ? info.at(key).list : []);
  const place = (part: Part): number => part.at('flat_feature_index').whole(0, INT);
  const floats = listed('float_features');
  const categorical = listed('categorical_features');
  const all = [...floats, ...categorical, ...listed('text_features'), ...listed('embedding_features')];
  const features = all.length;
  const names = new Array<string>(features).fill('');
  for (const part of all) {
    const at = place(part);
    if (at >= features) part.fail(`its place in a row is beyond the ${features} features of the model`);
    const key = ['feature_name', 'feature_id'].find((one) => part.has(one));
    names[at] = key === undefined ? '' : part.at(key).text;
  }
  if (new Set(all.map(place)).size !== features) info.fail('two features have the same place in a row');
  const isNamed = names.some((name) => name !== '');
  return {
    features,
    floats: floats.map((part) => ({ feature: place(part), rule: nanRule(part) })),
    names: isNamed ? names.map((name, i) => (name === '' ? String(i) : name)) : null,
    categorical: categorical.map(place).sort((a, b) => a - b),
  };
}

/** Missing values are compared as they are, which is never above a border, or stand below or above everything. */
function nanRule(part: Part): number {
  const treatment = part.has('nan_value_treatment') ? part.at('nan_value_treatment').text : 'AsIs';
  if (treatment === 'AsTrue') return RULE.nanRight;
  if (treatment === 'AsIs' || treatment === 'AsFalse') return RULE.nanLeft;
  return part.fail('its nan_value_treatment is not known');
}

/** `[scale, [bias, ...]]`, or `[scale, bias]` in older files. Sums are multiplied by the scale, then the bias is added. */
function scaleOf(part: Part): { divisor: number; base: number[] } {
  const [scale, bias] = part.list;
  if (scale === undefined || bias === undefined) return part.fail('it has not a scale and a bias');
  const base = bias.isNumber ? [bias.number] : bias.list.map((one) => one.number);
  if (base.length === 0) bias.fail('it is empty');
  // Only by powers of two is dividing the same as multiplying.
  const divisor = 1 / scale.number;
  if (!(Math.log2(Math.abs(divisor)) % 1 === 0 && Number.isFinite(divisor)))
    scale.fail('a scale that is no power of two is not supported', 'Set it to 1: model.set_scale_and_bias(1, bias).');
  return { divisor, base };
}

function splitOf(part: Part, floats: readonly FloatFeature[]): CatboostSplit {
  const type = part.has('split_type') ? part.at('split_type').text : 'FloatFeature';
  const kinds: Readonly<Record<string, string>> = {
    OnlineCtr: 'statistics of categorical features (CTR features)',
    OneHotFeature: 'categorical features (one-hot)',
    EstimatedFeature: 'text or embedding features',
  };
  if (type !== 'FloatFeature')
    part.fail(
      `the model splits by ${kinds[type] ?? 'features of an unknown kind'}, which are not supported`,
      'Train it on numbers only: encode categories before.',
    );
  const feature = floats[part.at('float_feature_index').whole(0, Math.max(0, floats.length - 1))];
  if (feature === undefined) return part.fail('it splits by a feature that the model does not have');
  return { ...feature, border: Math.fround(part.at('border').number), place: part.path };
}

function addSymmetric(tree: Part, floats: readonly FloatFeature[], leaf: LeafShape, builder: EnsembleBuilder): void {
  const splits = tree.has('splits') ? tree.at('splits').list.map((part) => splitOf(part, floats)) : [];
  if (splits.length > DEEPEST) tree.fail(`the tree is deeper than ${DEEPEST}`);
  const count = 2 ** splits.length;
  const values = tree.at('leaf_values').numbers(count * leaf.targets.length);
  const weights = tree.has('leaf_weights') ? tree.at('leaf_weights').numbers(count) : null;
  addOblivious(splits, values, weights, leaf, builder, tree.path);
}

/** A tree of branches, each with a split and two sides; a leaf has a value. */
function addBranches(tree: Part, floats: readonly FloatFeature[], leaf: LeafShape, builder: EnsembleBuilder): void {
  const sides: { left: number; right: number }[] = [];
  const first = builder.nodes;
  const open: { part: Part; node: number; side: 'left' | 'right' }[] = [];
  const add = (part: Part): number => {
    if (part.has('value')) {
      const value = part.at('value');
      const values = value.isNumber ? [value.number] : Array.from(value.numbers(leaf.targets.length));
      if (values.length !== leaf.targets.length) value.fail('it has not a value for every score');
      return builder.leafOf(leaf.targets, values, part.has('weight') ? part.at('weight').number : Number.NaN);
    }
    const { feature, rule, border, place } = splitOf(part.at('split'), floats);
    const node = builder.node(feature, border, rule, Number.NaN, place);
    sides.push({ left: 0, right: 0 });
    open.push({ part: part.at('right'), node, side: 'right' }, { part: part.at('left'), node, side: 'left' });
    return node;
  };
  const root = add(tree);
  for (let next = open.pop(); next !== undefined; next = open.pop())
    sides[next.node - first]![next.side] = add(next.part);
  sides.forEach(({ left, right }, i) => {
    builder.link(first + i, left, right);
  });
  builder.root(root, tree.path);
}
