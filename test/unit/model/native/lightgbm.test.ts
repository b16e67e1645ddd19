import { describe, expect, test } from 'vitest';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { otherBits, trainerCase, trainerCases } from '../../../harness/trainer-cases.ts';
import { answersOf } from './answers.ts';

const cases = trainerCases('lightgbm_').filter(({ name }) => name !== 'lightgbm_linear');
const read = (name: string) => {
  const { model, file } = trainerCase(name);
  return readNativeModel(model, file);
};
const edited = (name: string, from: string | RegExp, to: string) => {
  const text = Buffer.from(trainerCase(name).model).toString();
  expect(text).toMatch(from);
  return () => readNativeModel(Buffer.from(text.replace(from, to)), 'model.txt');
};

describe('LightGBM models', () => {
  test.each(cases)('$name: raw scores are those of LightGBM in every bit', ({ model, file, arrays }) => {
    const { ensemble } = readNativeModel(model, file);
    expect(otherBits(plainScores(ensemble, arrays.rows!.data), arrays.raw!.data)).toEqual([]);
  });

  test.each(cases)('$name: the transform gives what LightGBM answers', ({ model, file, arrays }) => {
    const { outputs } = readNativeModel(model, file);
    const [count, width] = arrays.raw!.shape as [number, number];
    for (let row = 0; row < count; row++) {
      const part = [row * width, (row + 1) * width] as const;
      const expected = [...arrays.answers!.data.slice(...part)];
      answersOf(outputs, [...arrays.raw!.data.slice(...part)]).forEach((answer, i) => {
        expect(Math.abs(answer - expected[i]!)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(answer)));
      });
    }
  });

  test('categories of a pandas table belong to their features', () => {
    const { featureNames, categories, looseCategories, categorical } = read('lightgbm_pandas');
    expect(featureNames).toEqual([...Array.from({ length: 6 }, (_, i) => `column_${i}`), 'city', 'grade']);
    expect(looseCategories).toEqual([]);
    expect(categorical).toEqual([6, 7]);
    expect(categories.map(({ feature }) => feature)).toEqual([6, 7]);
    expect(categories[0]!.values).toEqual(['Berlin', 'Paris', 'Rome', 'Oslo', 'Kyoto', 'Ulm', 'Łódź']);
    expect(categories[1]!.values[44]).toBe(44);
    expect(read('lightgbm_categorical')).toMatchObject({ categories: [], categorical: [6, 7] });
  });

  test('lists that fit no set of features are told as such', () => {
    const model = edited('lightgbm_pandas', /pandas_categorical:\[/, 'pandas_categorical:[["x"],')();
    expect(model.categories).toEqual([]);
    expect(model.looseCategories).toHaveLength(3);
  });

  test('random forests answer with the average of their trees', () => {
    expect(read('lightgbm_rf').outputs).toMatchObject({ average: 8, classes: 2 });
    expect(read('lightgbm_early_stopping').rounds).toEqual({ inFile: 1, used: 1 });
  });

  test('what is not supported is refused by name', () => {
    expect(() => read('lightgbm_linear')).toThrow(
      /MODEL_INVALID.*linear_tree.*lightgbm_linear\.txt, line \d+.*Train it with linear_tree=false/,
    );
    expect(edited('lightgbm_binary', 'version=v4', 'version=v9')).toThrow(/another version.*v2, v3 or v4/);
    expect(edited('lightgbm_binary', 'objective=binary', 'objective=wishes')).toThrow(/objective wishes is not known/);
  });

  test.each<[string, string | RegExp, string, RegExp]>([
    ['lightgbm_binary', /num_leaves=9/, 'num_leaves=8', /line \d+/],
    ['lightgbm_binary', /split_feature=\d+/, 'split_feature=8', /splits by a feature.*0 to 7/],
    ['lightgbm_binary', /left_child=\S+/, 'left_child=0', /reaches one of its nodes twice/],
    ['lightgbm_binary', /left_child=\S+/, 'left_child=70', /left_child has a value that cannot be/],
    ['lightgbm_binary', /threshold=\S+/, 'threshold=0x10', /threshold has a value that is no number/],
    ['lightgbm_binary', /threshold=\S+/, 'threshold=nan', /a threshold is no number/],
    ['lightgbm_binary', /leaf_value=\S+ /, 'leaf_value=', /leaf_value has another number of values/],
    ['lightgbm_binary', /tree_sizes=\d+ /, 'tree_sizes=', /not as many trees|a tree was expected/],
    ['lightgbm_binary', /feature_names=\S+ /, 'feature_names=', /feature_names does not name every feature/],
    ['lightgbm_binary', 'end of trees', 'end', /a tree was expected/],
    ['lightgbm_binary', 'end of parameters', '', /ends inside its parameters/],
    ['lightgbm_binary', 'sigmoid:0.7', 'sigmoid:-1', /no sigmoid above zero/],
    ['lightgbm_multiclass', 'num_class:4', 'num_class:5', /another number of scores/],
    ['lightgbm_categorical', /cat_boundaries=0 \d+/, 'cat_boundaries=0 9', /MODEL_INVALID/],
    ['lightgbm_categorical', /cat_boundaries=0/, 'cat_boundaries=1', /do not rise from zero/],
    ['lightgbm_pandas', 'pandas_categorical:[', 'pandas_categorical:[[', /no JSON/],
    ['lightgbm_pandas', /pandas_categorical:.*/, 'pandas_categorical:[{}]', /no list of lists/],
  ])('%s with %s as %s is refused', (name, from, to, message) => {
    expect(edited(name, from, to)).toThrow(message);
    expect(edited(name, from, to)).toThrow(/^MODEL_INVALID.*model\.txt, line \d+/);
  });

  test('lines may end as on Windows', () => {
    const { arrays } = trainerCase('lightgbm_categorical');
    const { ensemble } = edited('lightgbm_categorical', /\n/g, '\r\n')();
    expect(otherBits(plainScores(ensemble, arrays.rows!.data), arrays.raw!.data)).toEqual([]);
  });
});
