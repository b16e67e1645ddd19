import { describe, expect, test } from 'vitest';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { bitVectorKernel, bitVectorsOf } from '../../../../src/model/tree-kernel/bit-vector-kernel.ts';
import type { TreeKernel } from '../../../../src/model/tree-kernel/kernel.ts';
import { rowKernel, rowsOf } from '../../../../src/model/tree-kernel/row-kernel.ts';
import { walkKernel } from '../../../../src/model/tree-kernel/walk-kernel.ts';
import { type Ensemble, RULE } from '../../../../src/model/trees/ensemble.ts';
import { plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { type EnsembleShape, randomEnsemble, randomRows } from '../../../harness/random-ensembles.ts';

const NUMERIC: readonly (readonly number[])[] = [
  [RULE.nanLeft],
  [RULE.nanRight],
  [RULE.nanLeft, RULE.nanRight],
  [RULE.nanAsZero],
  [RULE.zeroLeft, RULE.zeroRight],
  [RULE.nanLeft, RULE.nanRight, RULE.nanAsZero, RULE.zeroLeft, RULE.zeroRight],
];
const SETS: readonly (readonly number[])[] = [
  [RULE.category],
  [RULE.category, RULE.categoryElseLeft, RULE.categoryElseLeftNanRight, RULE.nanRight],
  [RULE.category, RULE.zeroLeft, RULE.nanAsZero, RULE.nanLeft],
];

function shapeOf(random: () => number, rules: readonly (readonly number[])[]): EnsembleShape {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  return {
    trees: 1 + Math.floor(random() * 30),
    leaves: one([1, 3, 8, 31, 64, 254]),
    features: 1 + Math.floor(random() * 9),
    targets: 1 + Math.floor(random() * 3),
    values: one(['float32', 'float64']),
    sums: one(['float32', 'float64']),
    rules: one(rules),
  };
}

type MakeKernel = (ensemble: Ensemble) => TreeKernel | null;

/** Rows whose sums differ in a bit from the plain ones; zeros of both signs are one. */
function wrongSums(make: MakeKernel, ensemble: Ensemble, rows: Float32Array | Float64Array): number {
  const kernel = make(ensemble);
  if (kernel === null) throw new TypeError('no kernel');
  const count = rows.length / ensemble.features;
  const Sums = ensemble.sums === 'float32' ? Float32Array : Float64Array;
  const sums = new Sums(count * ensemble.targets).fill(7);
  kernel.sum(rows, count, sums);
  const expected = plainScores(ensemble, rows);
  return expected.reduce((wrong, sum, i) => wrong + Number(!Object.is(sum + 0, sums[i]! + 0)), 0);
}

describe('kernels give the sums of the plain way, bit for bit', () => {
  test('bit vectors, over random ensembles and rows', () => {
    const random = seeded(1);
    for (let i = 0; i < 60; i++) {
      const ensemble = randomEnsemble(random, shapeOf(random, NUMERIC));
      if (ensemble.nodes.feature.length === 0) continue;
      expect(wrongSums(bitVectorKernel, ensemble, randomRows(random, ensemble, 130))).toBe(0);
    }
  });

  test('walks, also over category sets and trees of a thousand leaves', () => {
    const random = seeded(2);
    for (let i = 0; i < 60; i++) {
      const shape = shapeOf(random, [...NUMERIC, ...SETS]);
      const ensemble = randomEnsemble(random, i % 10 === 0 ? { ...shape, leaves: 1000, trees: 4 } : shape);
      const rows = randomRows(random, ensemble, 130);
      expect(wrongSums(walkKernel, ensemble, rows)).toBe(0);
      expect(wrongSums(rowKernel, ensemble, rows)).toBe(0);
    }
  });

  test('of an image that was copied, with a base that comes first', () => {
    const random = seeded(7);
    for (let i = 0; i < 20; i++) {
      const made = randomEnsemble(random, shapeOf(random, NUMERIC));
      if (made.nodes.feature.length === 0) continue;
      const ensemble: Ensemble = { ...made, baseAdded: 'first', base: made.base.map(() => Math.fround(random())) };
      const rows = randomRows(random, ensemble, 70);
      expect(wrongSums((one) => bitVectorsOf(structuredClone(bitVectorKernel(one)!.image)), ensemble, rows)).toBe(0);
      expect(wrongSums((one) => rowsOf(structuredClone(rowKernel(one)!.image)), ensemble, rows)).toBe(0);
    }
  });

  test.each([0, 1, 7, 8, 9, 63, 64, 65, 511, 513])('%i rows', (count) => {
    const random = seeded(3);
    const ensemble = randomEnsemble(random, { ...shapeOf(random, NUMERIC), trees: 5, leaves: 31 });
    const rows = randomRows(random, ensemble, count);
    expect(wrongSums(bitVectorKernel, ensemble, rows)).toBe(0);
    expect(wrongSums(walkKernel, ensemble, rows)).toBe(0);
  });

  test.each(['float32', 'float64'] as const)('one feature with thousands of thresholds, as %s', (values) => {
    const random = seeded(4);
    const shape = { trees: 60, leaves: 120, features: 1, targets: 1, values, sums: 'float32', rules: [0, 1] } as const;
    const ensemble = randomEnsemble(random, shape);
    const spread = {
      ...ensemble,
      nodes: { ...ensemble.nodes, threshold: ensemble.nodes.threshold.map(() => Math.fround(random())) },
    };
    expect(new Set(spread.nodes.threshold).size).toBeGreaterThan(2000);
    expect(wrongSums(bitVectorKernel, spread, randomRows(random, spread, 400))).toBe(0);
  });

  test('thresholds that all lie in one cell of a grid, and sizes from the smallest float to the largest', () => {
    const random = seeded(5);
    const shape = {
      trees: 20,
      leaves: 60,
      features: 2,
      targets: 1,
      values: 'float32',
      sums: 'float32',
      rules: [0],
    } as const;
    const ensemble = randomEnsemble(random, shape);
    const threshold = ensemble.nodes.threshold.map(() =>
      Math.fround(random() < 0.9 ? 1 + random() * 1e-4 : 10 ** (random() * 76 - 38)),
    );
    const skewed = { ...ensemble, nodes: { ...ensemble.nodes, threshold } };
    expect(wrongSums(bitVectorKernel, skewed, randomRows(random, skewed, 400))).toBe(0);
  });
});

describe('ensembles that are not for bit vectors', () => {
  const random = seeded(6);
  const shape = {
    trees: 2,
    leaves: 20,
    features: 3,
    targets: 1,
    values: 'float32',
    sums: 'float32',
    rules: [RULE.nanLeft],
  } as const;

  test('category sets', () => {
    expect(bitVectorKernel(randomEnsemble(random, { ...shape, leaves: 60, rules: [RULE.category] }))).toBeNull();
  });

  test('more than 255 leaves a tree', () => {
    const chain = randomEnsemble(random, { ...shape, trees: 8, leaves: 2000 });
    expect(bitVectorKernel(chain)).toBeNull();
    expect(wrongSums(walkKernel, chain, randomRows(random, chain, 50))).toBe(0);
  });
});
