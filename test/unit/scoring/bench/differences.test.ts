import { describe, expect, test } from 'vitest';
import type { TensorType } from '../../../../src/base/contract/signature.ts';
import type { TensorValue } from '../../../../src/model/elements/elements.ts';
import { auc, scoresOf } from '../../../../src/scoring/bench/auc.ts';
import { OutputDifferences } from '../../../../src/scoring/bench/output-differences.ts';

const tensor = (data: ArrayLike<unknown>, dims: readonly number[], type: TensorType = 'float32'): TensorValue => ({
  type,
  dims,
  data,
});
const floats = (...values: number[]): Float64Array => Float64Array.from(values);

function differences(width: number, parent: Float64Array, changed: Float64Array): OutputDifferences {
  const found = new OutputDifferences('y', 'float64');
  const rows = parent.length / width;
  found.add(tensor(parent, [rows, width], 'float64'), tensor(changed, [rows, width], 'float64'), rows);
  return found;
}

describe('differences of outputs', () => {
  test('of a row the largest counts; padding of a fixed batch does not', () => {
    const found = new OutputDifferences('y', 'float64');
    found.add(
      tensor(floats(0, 0, 0.5, 0.5), [2, 2], 'float64'),
      tensor(floats(0.1, -0.25, 0.5, 0.5), [2, 2], 'float64'),
      2,
    );
    found.add(tensor(floats(1, 0, 9, 9), [2, 2], 'float64'), tensor(floats(1, 0, 0, 0), [2, 2], 'float64'), 1);
    expect(found.result()).toEqual({ name: 'y', max: 0.25, mean: 0.25 / 3, p99: 0.25, differing: 1, notFinite: 0 });
  });

  test('p99 is a value of a row: 99 of 100 are at most it', () => {
    const parent = floats(...Array.from({ length: 100 }, () => 0));
    const changed = floats(...Array.from({ length: 100 }, (_, i) => i / 100));
    expect(differences(1, parent, changed).result()).toMatchObject({ p99: 0.98, max: 0.99 });
  });

  test('NaN is as good as NaN; beside a number nothing is finite', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    expect(differences(1, floats(nan, inf, 1), floats(nan, inf, 1)).result()).toMatchObject({
      max: 0,
      notFinite: 0,
      differing: 0,
    });
    expect(differences(1, floats(nan, inf, 1), floats(0, -inf, 1)).result()).toEqual({
      name: 'y',
      max: null,
      mean: null,
      p99: null,
      differing: 2,
      notFinite: 2,
    });
  });

  test('float16 is read by its bits', () => {
    const found = new OutputDifferences('y', 'float16');
    // 1 and 1.5
    found.add(tensor(Uint16Array.of(0x3c00), [1], 'float16'), tensor(Uint16Array.of(0x3e00), [1], 'float16'), 1);
    expect(found.result().max).toBe(0.5);
  });

  test('classes: the largest of several, one above a half, a label, nothing of a value', () => {
    expect(differences(2, floats(0.4, 0.6, 0.7, 0.3), floats(0.51, 0.49, 0.6, 0.4)).classes()).toMatchObject({
      count: 1,
      share: 0.5,
    });
    expect(differences(1, floats(0.4, 0.6, 0.5), floats(0.45, 0.4, 0.51)).classes()).toMatchObject({ count: 2 });
    expect(differences(1, floats(3, 0.6), floats(0.1, 0.6)).classes()).toBeNull();
    const label = new OutputDifferences('label', 'string');
    label.add(tensor(['a', 'b'], [2], 'string'), tensor(['a', 'c'], [2], 'string'), 2);
    expect(label.classes()).toEqual({ count: 1, share: 0.5, by: 'label', isLabel: true });
  });
});

describe('the area under the curve', () => {
  test('counts pairs; equal scores count half', () => {
    expect(auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    expect(auc([1, 1, 1, 1], [0, 1, 0, 1])).toBe(0.5);
    expect(auc([3, 2, 1], [0, 0, 1])).toBe(0);
  });

  test('is not known of one class, or of scores that are no numbers', () => {
    expect(auc([1, 2], [1, 1])).toBeNull();
    expect(auc([1, Number.NaN], [0, 1])).toBeNull();
  });

  test('takes the second of two scores, and of one score that', () => {
    expect(Array.from(scoresOf(tensor(floats(0.9, 0.1, 0.2, 0.8), [2, 2], 'float64'), 2)!)).toEqual([0.1, 0.8]);
    expect(Array.from(scoresOf(tensor(floats(7, 8), [2, 1], 'float64'), 2)!)).toEqual([7, 8]);
    expect(scoresOf(tensor(floats(1, 2, 3), [1, 3], 'float64'), 1)).toBeNull();
  });
});
