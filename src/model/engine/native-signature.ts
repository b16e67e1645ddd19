import type { ExplainSignature, Signature, TensorSignature } from '../../base/contract/signature.ts';
import type { CategoryValue, NativeModel, NativeShape } from '../native/native-model.ts';

/** How values of a feature come in. */
export interface NativeFeature {
  readonly name: string;
  /** Places of categories by their value; null for numbers. */
  readonly places: ReadonlyMap<CategoryValue, number> | null;
  readonly type: 'float32' | 'float64' | 'string';
}

/** Whether nobody gave this name: the model was trained on an array. In another place it is the name of a column. */
function isArrayName(name: string, feature: number): boolean {
  return [`Column_${feature}`, `f${feature}`, String(feature)].includes(name);
}

/** The one input of a model without names. */
export const NATIVE_INPUT = 'input';

/**
 * Inputs by feature, where the file names them: a tensor [N, 1] for each, so that columns are found by their names in whatever order they
 * stand. Null where nobody named them: one tensor [N, F] then.
 */
export function nativeFeatures(model: NativeShape): readonly NativeFeature[] | null {
  const { ensemble, featureNames, categories } = model;
  const isNamed = featureNames !== null && !featureNames.every(isArrayName);
  if (featureNames === null || (!isNamed && categories.length === 0)) return null;
  const known = new Map(categories.map(({ feature, values }) => [feature, values]));
  return featureNames.map((name, feature): NativeFeature => {
    const values = known.get(feature);
    if (values === undefined) return { name, places: null, type: ensemble.values };
    // Booleans come in as 0 and 1. Numbers are looked up as doubles: floats would make one category of two beyond 2^24.
    const keys = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
    const places = new Map(keys.map((value, place) => [value, place]));
    return { name, places, type: keys.some((value) => typeof value === 'string') ? 'string' : 'float64' };
  });
}

/** In the place of a text: no value. Begins with a character of private use, so that no category is called so. */
const MISSING = '\ue000missing';

/** Names of the outputs, as trainers call what they answer. */
export const NATIVE_OUTPUT = {
  prediction: 'prediction',
  probability: 'probability',
  raw: 'raw',
  contributions: 'contributions',
  leaf: 'leaf',
} as const;

/** Fetches the contributions of the class that is answered; no output of the model's own. */
export const OF_ANSWER = 'contributions of the answer';

/** Of which type the labels of classes are: whole numbers unless the file has others. */
export function labelType(classes: NativeModel['classes']): 'string' | 'float64' | 'int64' {
  if (classes?.some((one) => typeof one === 'string') === true) return 'string';
  return classes?.some((one) => typeof one === 'number' && !Number.isInteger(one)) === true ? 'float64' : 'int64';
}

/** What a native model takes and gives. */
export function nativeSignature(
  model: NativeModel,
  features: readonly NativeFeature[] | null,
  hasBackground: boolean,
): Signature {
  const { ensemble, outputs, classes } = model;
  const tensor = (
    name: string,
    type: NonNullable<TensorSignature['type']>,
    dims: TensorSignature['dims'],
  ): TensorSignature => ({
    name,
    type,
    declared: type,
    dims,
  });
  const inputs =
    features === null
      ? [tensor(NATIVE_INPUT, ensemble.values, [null, ensemble.features])]
      : features.map(({ name, type }) => ({
          ...tensor(name, type, [null, 1]),
          ...(type === 'string' ? { missingText: MISSING } : {}),
        }));
  const isLabel = outputs.classes > 0;
  const label = labelType(classes);
  const hasProbability = isLabel && outputs.transform.kind !== 'step';
  const explains = explainsOf(model, features, hasBackground);
  const values = outputs.classes === 0 && ensemble.targets > 1 ? ensemble.targets : null;
  return {
    inputs,
    explains,
    outputs: [
      perTarget(
        tensor(
          NATIVE_OUTPUT.prediction,
          isLabel ? label : outputs.arithmetic,
          values === null ? [null] : [null, values],
        ),
      ),
      ...(hasProbability
        ? [withLabels(tensor(NATIVE_OUTPUT.probability, outputs.arithmetic, [null, outputs.classes]), classes)]
        : []),
      perTarget(tensor(NATIVE_OUTPUT.raw, ensemble.sums, ensemble.targets === 1 ? [null] : [null, ensemble.targets])),
      ...(explains.why !== undefined
        ? []
        : [
            {
              ...tensor(NATIVE_OUTPUT.contributions, 'float64', [null, ensemble.targets * (ensemble.features + 1)]),
              isOnRequest: true as const,
            },
          ]),
      ...(ensemble.roots.length === 0
        ? []
        : [
            {
              ...tensor(NATIVE_OUTPUT.leaf, 'int32', [null, ensemble.roots.length]),
              isPerTarget: true as const,
              isOnRequest: true as const,
            },
          ]),
    ],
  };
}

function withLabels(tensor: TensorSignature, classes: NativeModel['classes']): TensorSignature {
  const labels = (classes ?? []).flatMap((one) => (one === null ? [] : [typeof one === 'boolean' ? String(one) : one]));
  return labels.length === 0 || labels.length !== classes?.length ? tensor : { ...tensor, classes: labels };
}

function explainsOf(
  { ensemble, outputs }: NativeModel,
  features: readonly NativeFeature[] | null,
  hasBackground: boolean,
): ExplainSignature {
  return {
    tensor: NATIVE_OUTPUT.contributions,
    targets: ensemble.targets,
    ofAnswer: outputs.classes > 0 && ensemble.targets > 1 ? OF_ANSWER : null,
    features:
      features?.map(({ name }) => ({ input: name, at: 0 })) ??
      Array.from({ length: ensemble.features }, (_, at) => ({ input: NATIVE_INPUT, at })),
    ...(ensemble.leaves.cover === null && !hasBackground
      ? {
          why: 'the model does not say how many training rows its leaves had, which contributions need: give it a background (model.background)',
          wantsBackground: true,
        }
      : {}),
  };
}

function perTarget(tensor: TensorSignature): TensorSignature {
  return tensor.dims.length > 1 ? { ...tensor, isPerTarget: true } : tensor;
}
