import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Duck, literalPath } from '../../../../src/data/duckdb/duckdb.ts';

let duck: Duck;
beforeAll(async () => {
  duck = await Duck.open({ memoryBytes: 2 ** 26, scratchDir: tmpdir(), scratchBytes: 2 ** 26 });
});
afterAll(() => duck.close());

const one = (types: readonly string[]) => ({ where: 'part.parquet', columns: [{ name: 'y', types: new Set(types) }] });

test.each([
  ["'a text'", ['BIGINT'], 'VARCHAR'],
  ['1::BIGINT', ['VARCHAR'], 'BIGINT'],
  ['1::FLOAT', ['DOUBLE'], 'FLOAT'],
  ['[1::FLOAT]', ['FLOAT'], 'FLOAT[]'],
  ['[1::FLOAT]::FLOAT[1]', ['FLOAT[]'], 'FLOAT[1]'],
  ['null', ['FLOAT'], 'INTEGER'],
  ['true', ['VARCHAR'], 'BOOLEAN'],
])('memory of %s is not read as %s', async (sql, types, got) => {
  for (const batches of [duck.stream(`select ${sql} as y`, one(types)), duck.read(`select ${sql} as y`, one(types))]) {
    await expect(batches.next()).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
      details: { where: 'part.parquet', got, expected: types.join(' or ') },
    });
  }
});

test('a column that is not there is not read either; what fits is', async () => {
  const two = { where: 'p', columns: [...one(['INTEGER']).columns, { name: 'z', types: new Set(['FLOAT']) }] };
  await expect(duck.stream('select 1 as y', two).next()).rejects.toMatchObject({ details: { got: 'no such column' } });
  const { value } = await duck.stream('select 7 as y', one(['INTEGER', 'DATE'])).next();
  expect([...value!.column(0).i32()]).toEqual([7]);
});

test('paths are literal for DuckDB', async () => {
  for (const name of ['a[1]b', 'a*b', 'a?b', '[!a]', '[[]]', '**', 'a]b']) {
    const path = join(tmpdir(), `prescore-literal-${process.pid}-${name}.parquet`);
    await duck.run(`copy (select '${name}' as v) to '${path}' (format parquet)`);
    expect(await duck.rows(`select v from read_parquet('${literalPath(path)}')`)).toEqual([[name]]);
  }
});
