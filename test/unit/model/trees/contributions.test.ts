import { expect, test } from 'vitest';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { Contributions } from '../../../../src/model/engine/contributions.ts';
import { EnsembleBuilder } from '../../../../src/model/native/ensemble-builder.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { refusalsOf } from '../../../../src/model/native/refuse-model.ts';
import { BackgroundWorth } from '../../../../src/model/trees/background-worth.ts';
import { CoverWorth } from '../../../../src/model/trees/cover-worth.ts';
import { type Ensemble, RULE } from '../../../../src/model/trees/ensemble.ts';
import { LeafWays } from '../../../../src/model/trees/leaf-ways.ts';
import { goesLeft, plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { ShapExplainer } from '../../../../src/model/trees/shap-explainer.ts';
import { trainerCases } from '../../../harness/trainer-cases.ts';

/** Of the largest contribution of a row: LightGBM computes in double, XGBoost in float32. */
const LIKE = { lightgbm: 1e-9, xgboost: 1e-6, catboost: 1e-9 };
const cases = trainerCases('').filter(({ name }) => !/linear|refused/.test(name));
const withContributions = cases.filter(({ arrays }) => arrays.contributions !== undefined);

/** Values of the table: as many as there are by default, few, and none but for leaves that are whole trees. */
const TABLES = [undefined, 200, 0];

function explainerOf(ensemble: Ensemble, mostValues?: number): ShapExplainer {
  const ways = new LeafWays(ensemble, 'model');
  return new ShapExplainer(ensemble, ways, new CoverWorth(ensemble, ensemble.leaves.cover!, ways), mostValues);
}

/** Contributions of rows, and in the last place of each target what the model answers on average; and the scores that it found. */
function explained(ensemble: Ensemble, rows: Float32Array | Float64Array, mostValues?: number) {
  const explainer = explainerOf(ensemble, mostValues);
  const stride = ensemble.features + 1;
  const out = new Float64Array((rows.length / ensemble.features) * ensemble.targets * stride);
  explainer.explain(rows, out);
  const scores: number[] = [];
  for (let at = ensemble.features; at < out.length; at += stride) {
    const target = scores.length % ensemble.targets;
    scores.push(out[at]! / ensemble.divisor + ensemble.base[target]!);
    out[at] = explainer.expected[target]!;
  }
  return { out, scores };
}

test.each(withContributions)('$name: contributions are those of the trainer', ({ model, file, arrays }) => {
  const { ensemble, kind } = readNativeModel(model, file);
  const width = ensemble.targets * (ensemble.features + 1);
  const expected = arrays.contributions!.data;
  for (const mostValues of TABLES) {
    const { out } = explained(ensemble, arrays.explained!.data, mostValues);
    for (let from = 0; from < out.length; from += width) {
      const own = expected.subarray(from, from + width);
      const most = Math.max(...own.map(Math.abs));
      own.forEach((value, i) => {
        expect(Math.abs(out[from + i]! - value)).toBeLessThanOrEqual(LIKE[kind] * most);
      });
    }
  }
});

test.each(cases)('$name: contributions add up to the raw score', ({ model, file, arrays }) => {
  const { ensemble } = readNativeModel(model, file);
  // What a model answers in float32 is rounded at every tree: sums in double are the measure.
  const exact: Ensemble = { ...ensemble, sums: 'float64', baseAdded: 'last' };
  const raw = plainScores(exact, arrays.rows!.data);
  const stride = ensemble.features + 1;
  for (const mostValues of TABLES) {
    const { out, scores } = explained(ensemble, arrays.rows!.data, mostValues);
    raw.forEach((score, i) => {
      const sum = out.subarray(i * stride, (i + 1) * stride).reduce((total, one) => total + one, 0);
      const limit = 1e-12 * Math.max(1, Math.abs(score));
      expect([Math.abs(sum - score) <= limit, Math.abs(scores[i]! - score) <= limit]).toEqual([true, true]);
    });
  }
});

test('contributions are the Shapley values of their definition, empty leaves and repeated features included', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const ensemble = randomEnsemble(seed);
    const random = seeded(seed + 1000);
    const row = Array.from({ length: ensemble.features }, () => (random() < 0.1 ? Number.NaN : random()));
    const expected = shapleyOf(ensemble, row);
    for (const mostValues of TABLES)
      explained(ensemble, Float64Array.from(row), mostValues).out.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-12);
      });
  }
});

test('a row has the same bits in whatever batch it comes', () => {
  const { model, file, arrays } = cases.find(({ name }) => name === 'lightgbm_binary')!;
  const { ensemble } = readNativeModel(model, file);
  const { data } = arrays.rows!;
  const width = ensemble.features;
  const all = explained(ensemble, data).out;
  for (let row = 0; row < 20; row++) {
    const alone = explained(ensemble, data.subarray(row * width, (row + 1) * width)).out;
    expect(alone).toEqual(all.subarray(row * (width + 1), (row + 1) * (width + 1)));
  }
});

test('a row whose contributions are not its score is refused, and all others are not', () => {
  const { model, file, arrays } = cases.find(({ name }) => name === 'lightgbm_binary')!;
  const { ensemble } = readNativeModel(model, file);
  const { data } = arrays.rows!;
  const contributions = Contributions.byCover(ensemble, file);
  const raw = plainScores(ensemble, data);
  expect(contributions.of(data, raw).dims).toEqual([raw.length, ensemble.features + 1]);
  raw[3]! += 1e-8;
  expect(() => contributions.of(data, raw)).toThrow(/contributions add up to/);
});

test('models without the weights of their leaves are refused, and trees that nobody explains in time', () => {
  const { model, file } = cases[0]!;
  const { ensemble } = readNativeModel(model, file);
  const bare = { ...ensemble, leaves: { ...ensemble.leaves, cover: null } };
  expect(() => Contributions.byCover(bare, 'model.txt')).toThrow(/MODEL_INVALID.*how many training rows.*model\.txt/);
  const builder = new EnsembleBuilder({ features: 1, targets: 1, values: 'float64', sums: 'float64' }, refusalsOf('m'));
  let at = builder.leaf(0, 1, 1);
  for (let depth = 0; depth < 2001; depth++) {
    const node = builder.node(0, depth, RULE.nanLeft, 1, 'tree');
    builder.link(node, at, builder.leaf(0, 1, 1));
    at = node;
  }
  builder.root(at, 'tree');
  const deep = builder.build({ base: Float64Array.of(0), baseAdded: 'last', divisor: 1 });
  expect(() => Contributions.byCover(deep, 'model.txt')).toThrow(/MODEL_INVALID.*too deep.*2000 levels.*2001/);
});

test('beside a background they are the Shapley values of their definition', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const ensemble = randomEnsemble(seed);
    const random = seeded(seed + 2000);
    const some = (count: number): Float64Array =>
      Float64Array.from({ length: count * ensemble.features }, () => (random() < 0.1 ? Number.NaN : random()));
    const [row, background] = [some(1), some(7)];
    const worthOf = (known: number): number => {
      const mixed = background.map((value, i) =>
        (known >> (i % ensemble.features)) & 1 ? row[i % ensemble.features]! : value,
      );
      return plainScores(ensemble, mixed).reduce((sum, score) => sum + score / 7, 0);
    };
    const expected = shapleyValues(ensemble.features, worthOf);
    for (const mostValues of TABLES) {
      const ways = new LeafWays(ensemble, 'model');
      const worth = new BackgroundWorth(ensemble, background, ways.depth);
      const explainer = new ShapExplainer(ensemble, ways, worth, mostValues);
      const out = new Float64Array(ensemble.features + 1);
      explainer.explain(row, out);
      out[ensemble.features] = explainer.expected[0]!;
      out.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-12);
      });
    }
  }
});

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
  return shapleyValues(features, worth);
}

function shapleyValues(features: number, worth: (known: number) => number): number[] {
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
