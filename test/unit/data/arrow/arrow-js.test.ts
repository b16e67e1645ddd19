import * as arrow from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeArrow } from '../../../../src/data/arrow/arrow-ipc.ts';
import { ArrowBench, sourceOf } from '../arrow-values/arrow-fixture.ts';

/** Three record batches of 3, 0 and 2 rows. A file may hold a dictionary once only, and here every batch has its own. */
function batches(form: 'file' | 'stream'): arrow.Table {
  const whole = (rows: number, from: number) => {
    const numbers = Array.from({ length: rows }, (_, i) => (i + from === 1 ? null : i + from));
    return new arrow.Table({
      int32: arrow.vectorFromArray(numbers, new arrow.Int32()),
      int64: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : 2n ** 60n + BigInt(n))),
        new arrow.Int64(),
      ),
      uint64: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : 2n ** 64n - 1n - BigInt(n))),
        new arrow.Uint64(),
      ),
      text: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : `text number ${n} äöü`)),
        new arrow.Utf8(),
      ),
      flag: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : n % 2 === 0)),
        new arrow.Bool(),
      ),
      list: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : Array.from({ length: n }, (_, i) => i + 0.5))),
        new arrow.List(new arrow.Field('item', new arrow.Float64(), true)),
      ),
      fixed: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : [n, n + 1])),
        new arrow.FixedSizeList(2, new arrow.Field('item', new arrow.Int32(), true)),
      ),
      word: arrow.vectorFromArray(
        numbers.map((n) => (n === null ? null : `word ${n % 2}`)),
        new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8(), 1),
      ),
    });
  };
  const table = whole(3, 0).concat(whole(0, 3), whole(2, 3));
  return form === 'stream' ? table : table.select(COLUMNS.map(([name]) => name).filter((name) => name !== 'word'));
}

const COLUMNS = [
  ['int32', 'INTEGER'],
  ['int64', 'BIGINT'],
  ['uint64', 'UBIGINT'],
  ['text', 'VARCHAR'],
  ['flag', 'BOOLEAN'],
  ['list', 'DOUBLE[]'],
  ['fixed', 'INTEGER[]'],
  ['word', 'VARCHAR'],
] as const;

const EXPECTED = {
  int32: ['0', null, '2', '3', '4'],
  int64: ['1152921504606846976', null, '1152921504606846978', '1152921504606846979', '1152921504606846980'],
  uint64: ['18446744073709551615', null, '18446744073709551613', '18446744073709551612', '18446744073709551611'],
  text: ['text number 0 äöü', null, 'text number 2 äöü', 'text number 3 äöü', 'text number 4 äöü'],
  flag: ['true', null, 'true', 'false', 'true'],
  fixed: [['0', '1'], null, ['2', '3'], ['3', '4'], ['4', '5']],
  word: ['word 0', null, 'word 0', 'word 1', 'word 0'],
};

describe('files and streams written by apache-arrow', () => {
  let bench: ArrowBench;

  beforeAll(async () => {
    bench = await ArrowBench.open();
  });

  afterAll(() => bench.close());

  for (const form of ['file', 'stream'] as const) {
    it(`reads every type of a ${form}`, async () => {
      const bytes = arrow.tableToIPC(batches(form), form);
      const { rows, columns } = await bench.convert(bytes);
      expect(rows).toBe(5);
      const lengths = new Map(columns).get('list')?.map((list) => (Array.isArray(list) ? list.length : list));
      expect(lengths).toEqual([0, null, 2, 3, 4]);
      for (const [name, values] of Object.entries(EXPECTED)) {
        if (form === 'file' && name === 'word') continue;
        expect([name, new Map(columns).get(name)]).toEqual([name, values]);
      }
    });

    it(`describes a ${form} as it was built`, async () => {
      const summary = await describeArrow(sourceOf(arrow.tableToIPC(batches(form), form)));
      const columns = COLUMNS.filter(([name]) => form === 'stream' || name !== 'word');
      expect(summary.columns.map(({ name, type }) => [name, type])).toEqual(columns);
    });
  }

  it('reads a dictionary from a file', async () => {
    const word = arrow.vectorFromArray(
      ['a', null, 'b', 'a'],
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8(), 1),
    );
    const { columns } = await bench.convert(arrow.tableToIPC(new arrow.Table({ word }), 'file'));
    expect(columns).toEqual([['word', ['a', null, 'b', 'a']]]);
  });

  it('reads zero rows of both forms (A13)', async () => {
    const empty = new arrow.Table(new arrow.Schema([new arrow.Field('a', new arrow.Int32(), false)]));
    for (const form of ['file', 'stream'] as const) {
      const bytes = arrow.tableToIPC(empty, form);
      expect((await describeArrow(sourceOf(bytes))).columns).toEqual([{ name: 'a', type: 'INTEGER', nullable: false }]);
      const { rows, columns } = await bench.convert(bytes);
      expect([rows, columns]).toEqual([0, [['a', []]]]);
    }
  });
});
