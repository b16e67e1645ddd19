import { afterAll, describe, expect, it } from 'vitest';
import { RowGroupSize } from '../../../../src/data/arrow-values/row-group-size.ts';
import { Duck, quoteText } from '../../../../src/data/duckdb/duckdb.ts';
import { TextTables } from '../../../harness/text-tables.ts';

const MIB = 2 ** 20;

describe('the size of row groups', () => {
  it('is as many rows as 8 MiB hold, whenever the rows become wide', () => {
    const size = new RowGroupSize();
    for (let i = 0; i < 1024; i++) size.add(2048, 2048 * 60);
    expect(size.rows).toBe(131_072);
    for (let i = 0; i < 10; i++) size.add(2048, 3 * MIB);
    expect(size.rows).toBe(4096);
    for (let i = 0; i < 20; i++) size.add(3, 3 * MIB);
    expect(size.rows).toBe(4);
    for (let i = 0; i < 20; i++) size.add(1, 17 * MIB);
    expect(size.rows).toBe(1);
  });

  const tables = new TextTables(64 * MIB);
  afterAll(() => tables.close());

  it('is found anew where later rows are wider: all rows are there, within little memory', async () => {
    const narrow = Array.from({ length: 3000 }, (_, i) => `${i},x`);
    const wide = Array.from({ length: 300 }, (_, i) => `${3000 + i},${'y'.repeat(500_000 + i)}`);
    const { rows, path } = await tables.read(`a,b\n${[...narrow, ...wide, ...narrow].join('\n')}\n`, {
      columns: ['a', 'b'],
    });
    expect(rows).toHaveLength(6300);
    expect(rows.map((r) => String(r['b']).length)).toEqual([
      ...narrow.map(() => 1),
      ...wide.map((_, i) => 500_000 + i),
      ...narrow.map(() => 1),
    ]);
    const duck = await Duck.open({ memoryBytes: 64 * MIB, scratchDir: '/tmp', scratchBytes: MIB });
    const groups = await duck.rows(`select max(row_group_num_rows) from parquet_metadata(${quoteText(path)})`);
    duck.close();
    expect(Number(groups[0]![0])).toBeLessThan(2100);
  });
});
