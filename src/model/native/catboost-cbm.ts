import { FlatBuffer, type FlatTable } from './flatbuffer.ts';
import type { RefuseModel } from './refuse-model.ts';

/** Numbers of fields in CatBoost's schemas (catboost/libs/model/flatbuffers: model.fbs, features.fbs). */
const CORE = { version: 0, trees: 1, info: 2 } as const;
const TREES = {
  dimension: 0,
  splits: 1,
  sizes: 2,
  categorical: 4,
  floats: 5,
  oneHot: 6,
  ctrs: 7,
  values: 8,
  weights: 9,
  steps: 10,
  leafOfNode: 11,
  texts: 12,
  estimated: 13,
  scale: 14,
  bias: 15,
  biases: 16,
  embeddings: 18,
} as const;
const FLOAT = { flat: 2, borders: 3, name: 4, nan: 5 } as const;
const OTHER = { flat: 1, name: 2 } as const;
const HEADER_BYTES = 8;
const VERSION = 'FlabuffersModel_v1';
const DEEPEST = 16;
const NANS = ['AsIs', 'AsFalse', 'AsTrue'];

interface Split {
  readonly split_type: string;
  readonly float_feature_index?: number;
  readonly border?: number;
}

/** A branch, or a leaf, as CatBoost's JSON has them. */
type Branch =
  | { readonly value: readonly number[]; readonly weight?: number }
  | { readonly split: Split; readonly left: Branch; readonly right: Branch };

/**
 * The content of a CatBoost file (`save_model('model.cbm')`) in the form of CatBoost's JSON, as far as it decides scores: trees,
 * features, and what is known of the loss. Errors: MODEL_INVALID with the offset.
 */
export function decodeCbm(bytes: Uint8Array, refuse: RefuseModel): unknown {
  if (bytes.length < HEADER_BYTES) refuse('the file ends inside its header', `offset ${bytes.length}`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (size > bytes.length - HEADER_BYTES)
    refuse('the file ends before its model', `offset ${bytes.length}`, { expected: `${size + HEADER_BYTES} bytes` });
  const core = new FlatBuffer(bytes.subarray(HEADER_BYTES, HEADER_BYTES + size), refuse).root;
  const version = core.text(CORE.version);
  if (version !== VERSION) refuse('the file is of another version of the format', 'header', { expected: VERSION });
  const trees = core.table(CORE.trees) ?? refuse('the file has no trees', 'header');
  const biases = trees.doubles(TREES.biases);
  const dimension = trees.int(TREES.dimension, 1);
  const bias =
    biases.length > 0
      ? biases
      : new Array<number>(Math.max(1, Math.min(dimension, 2 ** 20))).fill(trees.double(TREES.bias, 0));
  if (dimension !== bias.length) refuse('the file has another number of biases than of scores', 'trees');
  const isSymmetric = trees.pairs(TREES.steps).length === 0;
  return {
    features_info: featuresInfo(trees),
    model_info: modelInfo(core, refuse),
    scale_and_bias: [trees.double(TREES.scale, 1), bias],
    ...(isSymmetric
      ? { oblivious_trees: symmetricTrees(trees, dimension, refuse) }
      : { trees: branchedTrees(trees, dimension, refuse) }),
  };
}

function featuresInfo(trees: FlatTable): unknown {
  const others = (field: number) =>
    trees
      .tables(field)
      .map((one) => ({ flat_feature_index: one.int(OTHER.flat, -1), feature_id: one.text(OTHER.name) }));
  return {
    float_features: trees.tables(TREES.floats).map((one) => ({
      flat_feature_index: one.int(FLOAT.flat, -1),
      feature_id: one.text(FLOAT.name),
      nan_value_treatment: NANS[one.byte(FLOAT.nan, 0)] ?? 'unknown',
    })),
    categorical_features: others(TREES.categorical),
    text_features: others(TREES.texts),
    embedding_features: others(TREES.embeddings),
  };
}

function modelInfo(core: FlatTable, refuse: RefuseModel): unknown {
  const texts = new Map(core.tables(CORE.info).map((one) => [one.text(0), one.text(1)]));
  const json = (key: string): unknown => {
    try {
      return JSON.parse(texts.get(key) ?? 'null');
    } catch {
      return refuse(`${key} is no JSON`, 'model_info');
    }
  };
  return {
    params: json('params'),
    class_params: json('class_params'),
    binclass_probability_threshold: json('binclass_probability_threshold'),
  };
}

/** Every split that trees may name by its number: all borders of all features, then those that are not supported. */
function splitsOf(trees: FlatTable): (number: number) => Split | null {
  const borders = trees
    .tables(TREES.floats)
    .flatMap((one, float_feature_index) =>
      one.floats(FLOAT.borders).map((border): Split => ({ split_type: 'FloatFeature', float_feature_index, border })),
    );
  const other = [
    ...(trees.tables(TREES.ctrs).length > 0 ? ['OnlineCtr'] : []),
    ...(trees.tables(TREES.oneHot).length > 0 ? ['OneHotFeature'] : []),
    ...(trees.tables(TREES.estimated).length > 0 ? ['EstimatedFeature'] : []),
  ][0];
  return (number) => borders[number] ?? (other === undefined || number < 0 ? null : { split_type: other });
}

function symmetricTrees(trees: FlatTable, dimension: number, refuse: RefuseModel): unknown[] {
  const [splits, split] = [trees.ints(TREES.splits), splitsOf(trees)];
  const [values, weights] = [trees.doubles(TREES.values), trees.doubles(TREES.weights)];
  let [firstSplit, firstLeaf] = [0, 0];
  const read = trees.ints(TREES.sizes).map((depth, i) => {
    if (!(depth >= 0 && depth <= DEEPEST)) refuse(`tree ${i} is deeper than ${DEEPEST}`, 'trees');
    const leaves = 2 ** depth;
    const tree = {
      splits: splits
        .slice(firstSplit, firstSplit + depth)
        .map((number) => split(number) ?? refuse(`tree ${i} has a split that is not there`, 'trees')),
      leaf_values: values.slice(firstLeaf * dimension, (firstLeaf + leaves) * dimension),
      ...(weights.length * dimension === values.length
        ? { leaf_weights: weights.slice(firstLeaf, firstLeaf + leaves) }
        : {}),
    };
    firstSplit += depth;
    firstLeaf += leaves;
    return tree;
  });
  if (firstSplit !== splits.length || firstLeaf * dimension !== values.length)
    refuse('the trees have other numbers of splits and leaves than the file', 'trees');
  return read;
}

/** Nodes of a tree stand before their children; where a way leads nowhere, the node's own value is the leaf. */
function branchedTrees(trees: FlatTable, dimension: number, refuse: RefuseModel): Branch[] {
  const [steps, numbers, split] = [trees.pairs(TREES.steps), trees.ints(TREES.splits), splitsOf(trees)];
  const [values, firsts] = [trees.doubles(TREES.values), trees.ints(TREES.leafOfNode)];
  const weights = trees.doubles(TREES.weights);
  const fail = (node: number): never => refuse(`node ${node} cannot be`, 'trees');
  let start = 0;
  return trees.ints(TREES.sizes).map((size) => {
    const end = start + size;
    if (!(size > 0 && end <= steps.length)) fail(start);
    const made = new Map<number, Branch>();
    const take = (node: number, step: number): Branch => {
      const found = made.get(node + step);
      // Taken once: a node that two others share would make the tree grow without end.
      made.delete(node + step);
      return found ?? fail(node);
    };
    for (let node = end - 1; node >= start; node--) {
      const [left, right] = steps[node]!;
      const value = values.slice(firsts[node]!, firsts[node]! + dimension);
      const weight = weights[firsts[node]! / dimension];
      const leaf: Branch = weight === undefined ? { value } : { value, weight };
      if ((left === 0 || right === 0) && !(firsts[node]! >= 0 && value.length === dimension)) fail(node);
      if (left === 0 && right === 0) made.set(node, leaf);
      else
        made.set(node, {
          split: split(numbers[node] ?? -1) ?? fail(node),
          left: left === 0 ? leaf : take(node, left),
          right: right === 0 ? leaf : take(node, right),
        });
    }
    const root = made.get(start) ?? fail(start);
    start = end;
    return root;
  });
}
