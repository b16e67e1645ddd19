import { describe, expect, test } from 'vitest';
import { EnsembleBuilder } from '../../../../src/model/native/ensemble-builder.ts';
import { logFloat } from '../../../../src/model/native/log-float.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { refusalsOf } from '../../../../src/model/native/refuse-model.ts';
import { plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { otherBits, trainerCase, trainerCases } from '../../../harness/trainer-cases.ts';
import { answersOf } from './answers.ts';

const cases = trainerCases('xgboost_').filter(({ name }) => !name.includes('refused'));
const read = (name: string) => {
  const { model, file } = trainerCase(name);
  return readNativeModel(model, file);
};
const edited = (name: string, from: string | RegExp, to: string) => {
  const text = Buffer.from(trainerCase(name).model).toString();
  expect(text).toMatch(from);
  return () => readNativeModel(Buffer.from(text.replace(from, to)), 'model.json');
};
const scoresOf = ({ ensemble }: ReturnType<typeof read>, name: string) =>
  plainScores(ensemble, trainerCase(name).arrays.rows!.data);

describe('XGBoost models', () => {
  test.each(cases)('$name ($version): raw scores are those of XGBoost in every bit', ({ model, file, arrays }) => {
    const { ensemble } = readNativeModel(model, file);
    expect(otherBits(plainScores(ensemble, arrays.rows!.data), arrays.raw!.data)).toEqual([]);
  });

  test.each(cases)('$name ($version): the transform gives what XGBoost answers', ({ name, model, file, arrays }) => {
    const { outputs } = readNativeModel(model, file);
    const [count, width] = arrays.raw!.shape as [number, number];
    const answers = arrays.answers!;
    for (let row = 0; row < count; row++) {
      const mine = answersOf(outputs, [...arrays.raw!.data.slice(row * width, (row + 1) * width)]);
      // multi:softmax answers with the class alone.
      if (name.includes('softmax')) expect(mine.indexOf(Math.max(...mine))).toBe(answers.data[row]);
      else
        mine.forEach((answer, i) => {
          expect(Math.abs(answer - answers.data[row * width + i]!)).toBeLessThanOrEqual(3e-7 * Math.max(1, answer));
        });
    }
  });

  test('categories of a table are read, from 3.1 on', () => {
    for (const name of ['xgboost_table', 'xgboost_table_ubj']) {
      const { featureNames, categories, categorical } = read(name);
      expect(featureNames?.slice(5)).toEqual(['column 5', 'city', 'grade']);
      expect(categorical).toEqual([6, 7]);
      expect(categories[0]).toEqual({ feature: 6, values: ['Berlin', 'Paris', 'Rome', 'Oslo', 'Kyoto', 'Ulm'] });
      expect(categories[1]!.values).toEqual(Array.from({ length: 45 }, (_, i) => i));
    }
    expect(read('xgboost_categorical')).toMatchObject({ categories: [], categorical: [6, 7], featureNames: null });
  });

  test('texts beyond ASCII, which older versions cut wrongly, are refused; those of 3.4 are read', () => {
    expect(() => read('xgboost_letters_refused')).toThrow(/cats\.enc\[6\].*XGBoost 3\.4 or later/);
    expect(edited('xgboost_letters_refused', '"version":[3,2,0]', '"version":[3,4,0]')().categories).toHaveLength(2);
  });

  test('rounds up to the best are used where the wrapper of scikit-learn saved the file', () => {
    const { rounds } = read('xgboost_stopped_wrapper');
    expect(rounds.used).toBeLessThan(rounds.inFile);
    const whole = read('xgboost_stopped').rounds;
    expect(whole.used).toBe(whole.inFile);
  });

  test('labels that versions before 2 kept are read', () => {
    const meta = '{\\"classes_\\": [\\"no\\", \\"yes\\"]}';
    const model = edited('xgboost_binary', '"attributes":{}', `"attributes":{"scikit_learn":"${meta}"}`)();
    expect(model.classes).toEqual(['no', 'yes']);
    expect(model.outputs.classes).toBe(2);
  });

  test('a threshold of zero sends zeros of both signs to the right, and the least value below it to the left', () => {
    const steps = edited('xgboost_zero_steps', /"split_conditions":\[[^,]+/, '"split_conditions":[0E0')();
    const rows = [0, -0, -(2 ** -149), 2 ** -149].map((value) => Float32Array.from({ length: 8 }, () => value));
    const [zero, minus, below, above] = rows.map((row) => plainScores(steps.ensemble, row)[0]);
    expect([zero, minus]).toEqual([above, above]);
    expect(below).not.toBe(above);
  });

  test('numbers that JSON has no words for', () => {
    const from = /"split_conditions":\[[^,]+/;
    expect(() => edited('xgboost_binary', from, '"split_conditions":[NaN')()).toThrow(/a threshold that no value/);
    expect(() => edited('xgboost_binary', from, '"split_conditions":[-Infinity')()).toThrow(
      /a threshold that no value/,
    );
    const most = edited('xgboost_binary', from, '"split_conditions":[Infinity')();
    expect(most.ensemble.nodes.threshold[0]).toBe(Math.fround(3.4028234663852886e38));
    const named = edited(
      'xgboost_binary',
      '"feature_names":[]',
      '"feature_names":["NaN","\\"NaN","c","d","e","f","g","h"]',
    );
    expect(named().featureNames?.slice(0, 2)).toEqual(['NaN', '"NaN']);
  });

  test('what is not supported is refused by name', () => {
    expect(() => read('xgboost_linear_refused')).toThrow(/MODEL_INVALID.*gblinear.*booster='gbtree'/);
    expect(() => read('xgboost_vectors_refused')).toThrow(/MODEL_INVALID.*multi_output_tree.*one_output_per_tree/);
    expect(edited('xgboost_binary', 'binary:logistic', 'binary:magic')).toThrow(/objective binary:magic is not known/);
  });

  test('a booster without trees is read where its base score was set, and refused where it was not', () => {
    const emptied = (average: string): Buffer => {
      const file = JSON.parse(Buffer.from(trainerCase('xgboost_binary').model).toString());
      const { model } = file.learner.gradient_booster;
      Object.assign(model, { trees: [], tree_info: [], iteration_indptr: [0] });
      file.learner.learner_model_param.boost_from_average = average;
      return Buffer.from(JSON.stringify(file));
    };
    expect(() => readNativeModel(emptied('1'), 'model.json')).toThrow(/MODEL_INVALID.*no trees.*not trained/);
    const { ensemble } = readNativeModel(emptied('0'), 'model.json');
    expect([...plainScores(ensemble, new Float32Array(8))]).toEqual([Math.fround(-0.84729785)]);
  });

  test.each<[string, string | RegExp, string, RegExp]>([
    [
      'xgboost_binary',
      '"num_feature":"8","num_target"',
      '"num_feature":"3","num_target"',
      /splits by a feature.*0 to 2/,
    ],
    [
      'xgboost_binary',
      '"num_feature":"8","num_target"',
      '"num_feature":"2000000000","num_target"',
      /num_feature.*1 to/,
    ],
    ['xgboost_binary', /"left_children":\[1/, '"left_children":[0', /node 0 has children that cannot be/],
    ['xgboost_binary', /"left_children":\[1,3/, '"left_children":[1,1', /children that cannot be/],
    ['xgboost_binary', /"left_children":\[1/, '"left_children":[99', /left_children has a value/],
    ['xgboost_binary', /"left_children":\[1,/, '"left_children":[', /another number of values/],
    ['xgboost_binary', /"tree_info":\[0/, '"tree_info":[1', /tree_info.*0 to 0/],
    ['xgboost_binary', /"iteration_indptr":\[0/, '"iteration_indptr":[1', /rounds do not rise/],
    ['xgboost_binary', /"base_score":"[^"]+"/, '"base_score":"0x1"', /base_score/],
    ['xgboost_binary', /"base_score":"[^"]+"/, '"base_score":"[1E-1,2E-1]"', /2 values for 1 raw/],
    ['xgboost_binary_v1', /"base_score":"[^"]+"/, '"base_score":"1"', /not between zero and one/],
    ['xgboost_gamma', /"base_score":"[^"]+"/, '"base_score":"0"', /not above zero/],
    ['xgboost_categorical', /"categories_sizes":\[\d+/, '"categories_sizes":[500', /categories_sizes/],
    ['xgboost_categorical', /"categories":\[\d+/, '"categories":[16777217', /categories/],
    ['xgboost_categorical', /"categories_nodes":\[\d+/, '"categories_nodes":[0', /MODEL_INVALID/],
    ['xgboost_dart', /"weight_drop"/, '"weight"', /no weight_drop/],
    ['xgboost_binary', /\}$/, '', /no JSON.*character \d+/],
  ])('%s with %s as %s is refused', (name, from, to, message) => {
    expect(edited(name, from, to)).toThrow(message);
  });

  test('a few bytes cannot ask for a great deal of memory', () => {
    const shape = { features: 1, targets: 1, values: 'float32', sums: 'float32' } as const;
    const builder = new EnsembleBuilder(shape, refusalsOf('model.json'));
    for (let i = 0; i < 32; i++) builder.set(new Uint32Array(2 ** 19));
    expect(() => builder.set(new Uint32Array(1))).toThrow(/MODEL_INVALID.*too many categories/);
  });

  test('UBJSON that lies about lengths is refused', () => {
    const { model } = trainerCase('xgboost_binary_ubj');
    const bytes = Uint8Array.from(model);
    const at = Buffer.from(bytes).indexOf('[$d#L');
    new DataView(bytes.buffer).setBigInt64(at + 5, 2n ** 40n);
    expect(() => readNativeModel(bytes, 'model.ubj')).toThrow(/MODEL_INVALID.*before what it announces.*offset \d+/);
    const deep = Buffer.concat([bytes.subarray(0, 18), Buffer.from('['.repeat(200_000))]);
    expect(() => readNativeModel(deep, 'model.ubj')).toThrow(/MODEL_INVALID/);
  });

  test('JSON and UBJSON of one model score alike', () => {
    const [json, ubj] = ['xgboost_categorical', 'xgboost_categorical_ubj'].map(read);
    expect(otherBits(scoresOf(json!, 'xgboost_table'), scoresOf(ubj!, 'xgboost_table'))).toEqual([]);
  });
});

test('the logarithm is that of the C library', () => {
  // Where rounding Math.log gives another bit.
  for (const [value, expected] of LOGARITHMS) expect(logFloat(value)).toBe(expected);
  expect(LOGARITHMS.filter(([value, expected]) => Math.fround(Math.log(value)) !== expected)).toHaveLength(4);
});

const LOGARITHMS: readonly (readonly [number, number])[] = [
  [0.9768984317779541, -0.0233725905418396],
  [1.0356166362762451, 0.03499703109264374],
  [1.0852595567703247, 0.08181917667388916],
  [0.9944683313369751, -0.005547025240957737],
  [1.0236432552337646, 0.02336808294057846],
  [1.9009274244308472, 0.6423419117927551],
];
