import { expect, test } from 'vitest';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { EnsembleBuilder } from '../../../../src/model/native/ensemble-builder.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { refusalsOf } from '../../../../src/model/native/refuse-model.ts';
import { type Ensemble, RULE } from '../../../../src/model/trees/ensemble.ts';
import { goesLeft, plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { TreeShap } from '../../../../src/model/trees/tree-shap.ts';
import { trainerCases } from '../../../harness/trainer-cases.ts';

/** Of the largest contribution of a row: LightGBM computes in double, XGBoost in float32. */
const LIKE = { lightgbm: 1e-9, xgboost: 1e-6, catboost: 1e-9 };
const cases = trainerCases('').filter(({ name }) => !/linear|refused/.test(name));
const explained = cases.filter(({ arrays }) => arrays.contributions !== undefined);

test.each(explained)('$name: contributions are those of the trainer', ({ model, file, arrays }) => {
  const { ensemble, kind } = readNativeModel(model, file);
  const shap = new TreeShap(ensemble, file);
  const width = ensemble.features + 1;
  const out = new Float64Array(ensemble.targets * width);
  const { data, shape } = arrays.explained!;
  for (let row = 0; row < shape[0]!; row++) {
    shap.explain((feature) => data[row * ensemble.features + feature]!, out);
    const expected = arrays.contributions!.data.subarray(row * out.length, (row + 1) * out.length);
    const most = Math.max(...expected.map(Math.abs));
    out.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(LIKE[kind] * most);
    });
  }
});

test.each(cases)('$name: contributions add up to the raw score', ({ model, file, arrays }) => {
  const { ensemble } = readNativeModel(model, file);
  const shap = new TreeShap(ensemble, file);
  // What a model answers in float32 is rounded at every tree: sums in double are the measure.
  const exact: Ensemble = { ...ensemble, sums: 'float64', baseAdded: 'last' };
  const raw = plainScores(exact, arrays.rows!.data);
  const out = new Float64Array(ensemble.targets * (ensemble.features + 1));
  for (let row = 0; row < arrays.rows!.shape[0]!; row++) {
    shap.explain((feature) => arrays.rows!.data[row * ensemble.features + feature]!, out);
    sumsOf(out, ensemble).forEach((sum, k) => {
      const score = raw[row * ensemble.targets + k]!;
      expect(Math.abs(sum - score)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(score)));
    });
  }
});

test('contributions are the Shapley values of their definition, empty leaves and repeated features included', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const ensemble = randomEnsemble(seed);
    const random = seeded(seed + 1000);
    const row = Array.from({ length: ensemble.features }, () => (random() < 0.1 ? Number.NaN : random()));
    const out = new Float64Array(ensemble.features + 1);
    new TreeShap(ensemble, 'model').explain((feature) => row[feature]!, out);
    const expected = shapleyOf(ensemble, row);
    out.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-12);
    });
  }
});

test('models without the weights of their leaves are refused', () => {
  const { model, file } = cases[0]!;
  const { ensemble } = readNativeModel(model, file);
  const bare = { ...ensemble, leaves: { ...ensemble.leaves, cover: null } };
  expect(() => new TreeShap(bare, 'model.txt')).toThrow(/MODEL_INVALID.*how many training rows.*model\.txt/);
});

function sumsOf(out: Float64Array, { targets, features }: Ensemble): number[] {
  const width = features + 1;
  return Array.from({ length: targets }, (_, k) =>
    out.subarray(k * width, (k + 1) * width).reduce((sum, one) => sum + one, 0),
  );
}

function randomEnsemble(seed: number): Ensemble {
  const random = seeded(seed);
  const shape = { features: 5, targets: 1, values: 'float64', sums: 'float64' } as const;
  const builder = new EnsembleBuilder(shape, refusalsOf('model'));
  const grow = (depth: number): number => {
    if (depth === 0 || random() < 0.15)
      return builder.leaf(0, random() - 0.5, random() < 0.15 ? 0 : Math.floor(random() * 50) + 1);
    const rule = random() < 0.5 ? RULE.nanLeft : RULE.nanRight;
    const node = builder.node(Math.floor(random() * 5), random(), rule, Number.NaN, 'tree');
    builder.link(node, grow(depth - 1), grow(depth - 1));
    return node;
  };
  for (let i = 0; i < 3; i++) builder.root(grow(5), 'tree');
  return builder.build({ base: Float64Array.of(0.25), baseAdded: 'last', divisor: 1 });
}

/** By every set of known features: what a tree answers when the others are unknown and leaves are reached as often as in training. */
function shapleyOf(ensemble: Ensemble, row: readonly number[]): number[] {
  const { features, roots, nodes, leaves, base } = ensemble;
  const coverOf = (at: number): number =>
    at < 0 ? leaves.cover![~at]! : coverOf(nodes.left[at]!) + coverOf(nodes.right[at]!);
  const answer = (at: number, known: number): number => {
    if (at < 0) return leaves.weight[~at]!;
    const [left, right] = [nodes.left[at]!, nodes.right[at]!];
    const feature = nodes.feature[at]!;
    if ((known >> feature) & 1) return answer(goesLeft(ensemble, at, row[feature]!) ? left : right, known);
    const [a, b] = [coverOf(left), coverOf(right)];
    const share = a + b > 0 ? a / (a + b) : 0.5;
    return share * answer(left, known) + (1 - share) * answer(right, known);
  };
  const worth = (known: number): number => [...roots].reduce((sum, root) => sum + answer(root, known), base[0]!);
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const sizeOf = (set: number): number => set.toString(2).replaceAll('0', '').length;
  const values = Array.from({ length: features }, (_, feature) => {
    let value = 0;
    for (let set = 0; set < 1 << features; set++) {
      if ((set >> feature) & 1) continue;
      const size = sizeOf(set);
      const weight = (factorial(size) * factorial(features - size - 1)) / factorial(features);
      value += weight * (worth(set | (1 << feature)) - worth(set));
    }
    return value;
  });
  return [...values, worth(0)];
}
