import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { runPython } from '../harness/python.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

const VALUES = Array.from({ length: 400 }, (_, i) => ['0.0', '-0.0', '1.0', '2.5'][i % 4]!);

/** DuckDB's writer makes dictionaries of few values, in which -0.0 and 0.0 are one. */
describe('zeros with a sign', () => {
  const home = suiteFolder();
  const model = join(home, 'models/float64.onnx');

  beforeAll(async () => {
    await Promise.all([
      runPython('make_identity.py', [join(home, 'models')]),
      runPython('make_zeros.py', [join(home, 'data')]),
    ]);
  }, 120_000);

  const COMPUTED = { columns: { c: 'a' }, features: { x: { columns: ['c'] } } };
  it.each([
    ['parquet', ['a'], {}],
    ['parquet', ['f'], {}],
    ['parquet', ['l'], {}],
    ['parquet', [], {}],
    ['parquet', [], COMPUTED],
    ['arrow', ['a', 'l'], {}],
    ['csv', ['a', 'f'], {}],
    ['jsonl', ['a', 'f'], {}],
  ])('are fed, predicted and kept as they are: %s, kept %j, %j', async (format, kept, more) => {
    const out = join(home, 'out', format, kept.join(), Object.keys(more).join());
    const path = writeJob(home, {
      model: { uri: model, sha256: sha256Of(model) },
      input: { uri: join(home, 'data', format) },
      features: { x: { columns: ['a'] } },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: kept,
      output: { uri: out, lineage: false },
      execution: { scorers: 1 },
      ...more,
    });
    const { code, stderr } = await prescore(['run', path]);
    expect(code, stderr).toBe(0);
    for (const column of ['y', ...kept]) {
      const value = column === 'l' ? 'l[1]' : column;
      const rows = await queryParquet(`${out}/*.parquet`, `select (${value})::varchar from t order by id`);
      expect(rows.flat(), column).toEqual(VALUES);
    }
  });
});
