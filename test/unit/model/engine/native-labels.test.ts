import { expect, test } from 'vitest';
import type { TensorValue } from '../../../../src/model/elements/elements.ts';
import { loadModel } from '../../../../src/model/engine/load-model.ts';
import { nativeFeatures } from '../../../../src/model/engine/native-signature.ts';
import type { CategoryValue } from '../../../../src/model/native/native-model.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { trainerCase } from '../../../harness/trainer-cases.ts';

const OPTIONS = { intraOpThreads: 1, device: 'cpu', trees: 'auto' } as const;

async function answersOf(...edits: readonly (readonly [string | RegExp, string])[]) {
  const { model, arrays } = trainerCase('catboost_texts');
  let text = JSON.stringify(JSON.parse(Buffer.from(model).toString()));
  for (const [from, to] of edits) {
    expect(text).toMatch(from);
    text = text.replace(from, to);
  }
  const { session } = await loadModel(Buffer.from(text), null, OPTIONS, 'model.json');
  const { data, shape } = arrays['rows']!;
  const feeds = new Map<string, TensorValue>([
    [session.signature.inputs[0]!.name, { type: 'float32', dims: shape, data }],
  ]);
  const found = await session.run(feeds, ['prediction', 'raw']);
  const { type } = session.signature.outputs.find(({ name }) => name === 'prediction')!;
  expect(found.get('prediction')!.type).toBe(type);
  return { labels: Array.from(found.get('prediction')!.data), raw: Array.from(found.get('raw')!.data as Float64Array) };
}

test('a threshold that was set after training decides the class', async () => {
  const usual = await answersOf();
  const { labels, raw } = await answersOf([
    '"class_params":',
    '"binclass_probability_threshold":"0.1","class_params":',
  ]);
  expect(labels).toEqual(raw.map((score) => (score > -Math.log(9) ? 'yes' : 'no')));
  expect(labels).not.toEqual(usual.labels);
});

test('classes may be numbers with a fraction, or booleans', async () => {
  const fractions = await answersOf([/"class_names":\["no","yes"\]/, '"class_names":[0.25,1.5]']);
  expect(fractions.labels).toEqual(fractions.raw.map((score) => (score > 0 ? 1.5 : 0.25)));
  const booleans = await answersOf([/"class_names":\["no","yes"\]/, '"class_names":[false,true]']);
  expect(booleans.labels).toEqual(booleans.raw.map((score) => (score > 0 ? 'True' : 'False')));
});

test('categories that are booleans or large whole numbers are found by what columns hold', () => {
  const of = (name: string, feature: number, values: readonly CategoryValue[]) => {
    const { model, file } = trainerCase(name);
    const read = readNativeModel(model, file);
    const names = Array.from({ length: read.ensemble.features }, (_, i) => `column ${i}`);
    return nativeFeatures({ ...read, featureNames: names, categories: [{ feature, values }] })![feature]!;
  };
  const truth = of('lightgbm_pandas', 7, [false, true]);
  expect([truth.type, truth.places!.get(0), truth.places!.get(1)]).toEqual(['float64', 0, 1]);
  expect(of('xgboost_categorical', 0, [2 ** 24 + 1, 2 ** 24]).type).toBe('float64');
});

test.each([
  ['more lists than features', /pandas_categorical:\[/, 'pandas_categorical:[["x"],'],
  ['a list that is too short for what was seen', /pandas_categorical:\[\[.*?\]/, 'pandas_categorical:[["Berlin"]'],
])('lists of categories that belong to no feature for sure are refused: %s', async (_, from, to) => {
  const text = Buffer.from(trainerCase('lightgbm_pandas').model).toString();
  expect(text).toMatch(from);
  await expect(loadModel(Buffer.from(text.replace(from, to)), null, OPTIONS, 'model.txt')).rejects.toThrow(
    /MODEL_INVALID.*does not say which features.*model\.txt, pandas_categorical/,
  );
});

test('categories beyond 2^53 are refused', async () => {
  const text = Buffer.from(trainerCase('lightgbm_pandas').model).toString();
  const large = text.replace('"Berlin"', '9007199254740993');
  await expect(loadModel(Buffer.from(large), null, OPTIONS, 'model.txt')).rejects.toThrow(
    /MODEL_INVALID.*beyond 2\^53/,
  );
});

test('names as of arrays are names of columns where they are in another order', () => {
  const { model, file } = trainerCase('xgboost_squared');
  const read = readNativeModel(model, file);
  const named = (names: string[]) => nativeFeatures({ ...read, featureNames: names })?.map(({ name }) => name) ?? null;
  const plain = Array.from({ length: read.ensemble.features }, (_, i) => `f${i}`);
  expect(named(plain)).toBeNull();
  const turned = [...plain].reverse();
  expect(named(turned)).toEqual(turned);
});
