import { describe, expect, it } from 'vitest';
import type { BoundOutput } from '../../../../src/base/contract/binding.ts';
import type { TensorValue } from '../../../../src/model/elements/elements.ts';
import { FetchColumns } from '../../../../src/scoring/tensor/fetch-columns.ts';
import { inRowOrder } from '../../../../src/scoring/tensor/row-order.ts';

const HIDDEN: BoundOutput = {
  column: 'hidden',
  tensor: 'h',
  tensorType: 'float32',
  kind: 'list',
  index: null,
  labels: null,
  type: 'FLOAT[]',
};
const WORDS: BoundOutput = { ...HIDDEN, column: 'ids', tensor: 'i', tensorType: 'int64', type: 'BIGINT[]' };
const none = (): void => undefined;

function fetched(rows: number, steps: number, first: number): Map<string, TensorValue> {
  const count = rows * steps;
  const data = Float32Array.from({ length: 2 * count }, (_, i) => first + i);
  const ids = BigInt64Array.from({ length: count }, (_, i) => BigInt(first + i));
  return new Map([
    ['h', { type: 'float32', dims: [rows, steps, 2], data }],
    ['i', { type: 'int64', dims: [rows, steps], data: ids }],
  ]);
}

describe('lists as long as those of their rows', () => {
  it('keep their own lengths, whatever the order in which rows are scored', () => {
    const columns = new FetchColumns([HIDDEN, WORDS], 4, true);
    const bad: unknown[] = [];
    columns.add(fetched(2, 1, 10), 0, 2, 2, none, '1');
    const odd = fetched(1, 3, 20);
    (odd.get('h')!.data as Float32Array)[4] = Number.NaN;
    columns.add(odd, 2, 1, 1, (row, column) => bad.push([row, column]), '3');
    const [hidden, ids] = inRowOrder(columns.columns(), Int32Array.of(3, 0, 1), 4);
    if (hidden?.kind !== 'ragged' || ids?.kind !== 'ragged') throw new TypeError('lists of one length');
    const listOf = ({ data, starts, sizes }: typeof hidden, row: number): unknown[] =>
      Array.from({ length: sizes[row]! }, (_, k) => data[starts[row]! + k]);
    expect([0, 1, 2, 3].map((row) => listOf(hidden, row))).toEqual([[12, 13], [20, 21, 22, 23, 0, 25], [], [10, 11]]);
    expect([0, 1, 2, 3].map((row) => listOf(ids, row))).toEqual([[11n], [20n, 21n, 22n], [], [10n]]);
    expect(bad).toEqual([[0, 'hidden']]);
  });

  it('are refused where rows of one length give lists of several', () => {
    const columns = new FetchColumns([HIDDEN], 4, true);
    columns.add(fetched(1, 2, 0), 0, 1, 1, none, '5');
    columns.add(fetched(1, 3, 0), 1, 1, 1, none, '6');
    expect(() => columns.add(fetched(1, 3, 0), 2, 1, 1, none, '5')).toThrow(
      /^MODEL_OUTPUT_SHAPE: the length of a list changed/,
    );
  });
});
