import { describe, expect, test } from 'vitest';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { otherBits, trainerCase, trainerCases } from '../../../harness/trainer-cases.ts';
import { answersOf } from './answers.ts';

const cases = trainerCases('catboost_').filter(({ name }) => !name.includes('refused'));
const read = (name: string) => {
  const { model, file } = trainerCase(name);
  return readNativeModel(model, file);
};
const edited = (name: string, from: string | RegExp, to: string) => {
  // CatBoost indents its JSON.
  const text = JSON.stringify(JSON.parse(Buffer.from(trainerCase(name).model).toString()));
  expect(text).toMatch(from);
  return () => readNativeModel(Buffer.from(text.replace(from, to)), 'model.json');
};

describe('CatBoost models', () => {
  test.each(cases)('$name: raw scores are those of CatBoost in every bit', ({ model, file, arrays }) => {
    const { ensemble } = readNativeModel(model, file);
    expect(otherBits(plainScores(ensemble, arrays.rows!.data), arrays.raw!.data)).toEqual([]);
  });

  test.each(cases)('$name: the transform gives what CatBoost answers', ({ model, file, arrays }) => {
    const { outputs } = readNativeModel(model, file);
    const [count, width] = arrays.raw!.shape as [number, number];
    for (let row = 0; row < count; row++)
      answersOf(outputs, [...arrays.raw!.data.slice(row * width, (row + 1) * width)]).forEach((answer, i) => {
        const expected = arrays.answers!.data[row * width + i]!;
        expect(Math.abs(answer - expected)).toBeLessThanOrEqual(1e-13 * Math.max(1, answer));
      });
  });

  test('labels and names are read', () => {
    expect(read('catboost_texts')).toMatchObject({ classes: ['no', 'yes'], outputs: { classes: 2 } });
    expect(read('catboost_multiclass_cbm')).toMatchObject({ classes: [0, 1, 2, 3], outputs: { classes: 4 } });
    expect(read('catboost_squared')).toMatchObject({ classes: null, featureNames: null, objective: 'RMSE' });
    const named = edited('catboost_squared', '"feature_id":""', '"feature_id":"age"')().featureNames;
    expect(named).toEqual(['age', '1', '2', '3', '4', '5', '6', '7']);
  });

  test('both formats of a model are the same ensemble, node by node', () => {
    for (const name of ['catboost_squared', 'catboost_depthwise', 'catboost_lossguide', 'catboost_nan_max'])
      expect(read(`${name}_cbm`).ensemble.nodes.threshold).toEqual(read(name).ensemble.nodes.threshold);
  });

  test('what is not supported is refused by name', () => {
    for (const ending of ['', '_cbm']) {
      expect(() => read(`catboost_ctr_refused${ending}`)).toThrow(/MODEL_INVALID.*CTR features.*encode categories/);
      expect(() => read(`catboost_onehot_refused${ending}`)).toThrow(/MODEL_INVALID.*one-hot.*encode categories/);
    }
    const scaled = edited('catboost_squared', /"scale_and_bias":\[1,/, '"scale_and_bias":[0.3,');
    expect(scaled).toThrow(/MODEL_INVALID.*power of two.*set_scale_and_bias/);
    expect(edited('catboost_squared', /"type":"RMSE"/, '"type":"Magic"')).toThrow(/the loss Magic is not supported/);
  });

  test('a scale is applied before the bias', () => {
    const { ensemble } = edited('catboost_squared', /"scale_and_bias":\[1,/, '"scale_and_bias":[4,')();
    const plain = read('catboost_squared').ensemble;
    const { data } = trainerCase('catboost_squared').arrays.rows!;
    const [bias] = plain.base;
    const expected = [...plainScores({ ...plain, base: new Float64Array(1) }, data)].map((sum) => sum * 4 + bias!);
    expect(otherBits(plainScores(ensemble, data), expected)).toEqual([]);
  });

  test.each<[string | RegExp, string, RegExp]>([
    [/"float_feature_index":\d/, '"float_feature_index":9', /float_feature_index.*0 to 7/],
    [/"flat_feature_index":1/, '"flat_feature_index":0', /same place in a row/],
    [/"flat_feature_index":7/, '"flat_feature_index":70', /beyond the 8 features/],
    [/"leaf_values":\[[^,]+,/, '"leaf_values":[', /another number of values/],
    [/"border":[^,]+/, '"border":"x"', /it is no number/],
    [/"nan_value_treatment":"As\w+"/, '"nan_value_treatment":"AsEver"', /nan_value_treatment is not known/],
    [/"split_type":"FloatFeature"/, '"split_type":"Magic"', /features of an unknown kind/],
  ])('%s as %s is refused', (from, to, message) => {
    expect(edited('catboost_squared', from, to)).toThrow(message);
    expect(edited('catboost_squared', from, to)).toThrow(/^MODEL_INVALID.*model\.json/);
  });

  test('a cbm that lies about lengths or shares nodes is refused', () => {
    const { model } = trainerCase('catboost_depthwise_cbm');
    const longer = Uint8Array.from(model);
    new DataView(longer.buffer).setUint32(4, longer.length);
    expect(() => readNativeModel(longer, 'model.cbm')).toThrow(/MODEL_INVALID.*ends before its model/);
    const version = Buffer.from(model).indexOf('FlabuffersModel_v1');
    const other = Uint8Array.from(model);
    other[version + 17] = 57;
    expect(() => readNativeModel(other, 'model.cbm')).toThrow(/another version of the format/);
  });
});
