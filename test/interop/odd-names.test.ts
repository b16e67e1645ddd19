import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { expectSameValues, type InteropTables, interopTables } from '../harness/interop-run.ts';
import { runPython } from '../harness/python.ts';
import { partsOf, readParquet } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, writeJob } from '../harness/temp-job.ts';

describe('odd column names', () => {
  const home = suiteFolder();
  let tables: InteropTables;
  let names: readonly string[] = [];

  beforeAll(async () => {
    tables = await interopTables(home);
    names = tables.columns['names']!;
  });

  it('A25 A26 as ids, passthrough and prediction columns are read back by pyarrow, DuckDB and hyparquet', async () => {
    expect(names).toContain('__proto__');
    const ids = names.filter((_, i) => i % 2 === 0);
    const kept = names.filter((_, i) => i % 2 === 1);
    const renamed = Object.fromEntries(names.map((name) => [`${name} out`, 'float32']));
    await expectSameValues(
      tables,
      'names',
      'names/names.parquet',
      { outputs: renamed, id: ids, passthrough: kept },
      { columns: { ...entries(names, (name) => name), ...entries(Object.keys(renamed), () => 'x') } },
    );
  });

  it('A25 A26 as features: the model is fed the column of exactly this name', async () => {
    const folder = join(tables.folder, 'features');
    await runPython('make_named.py', [folder, JSON.stringify(names)]);
    const model = join(folder, 'named.onnx');
    const job = writeJob(
      folder,
      {
        model: { uri: model, sha256: sha256Of(model) },
        input: { uri: tables.input('names/names.parquet') },
        features: { x: { columns: names, nulls: { fill: -1 } } },
        outputs: { y: 'y' },
        output: { uri: join(folder, 'out') },
        execution: { scorers: 1 },
      },
      'features.yaml',
    );
    const result = await prescore(['run', job]);
    expect(result.code, result.stderr).toBe(0);
    const rows = await readParquet(partsOf(join(folder, 'out'))[0]!);
    const expected = await tables.texts('names/names.parquet');
    const want = rows.map((_, i) => names.map((name) => BigInt((expected.get(name)![i] as string | null) ?? -1)));
    expect(rows.map((row) => row['y'])).toEqual(want);
  });

  it('A26 names that differ in case only: each is its own as feature, id and passthrough; both in one output are refused', async () => {
    for (const name of ['Twin', 'twin']) {
      await expectSameValues(
        tables,
        `case-${name}`,
        'names/names.parquet',
        { features: { x: ['twin'] }, outputs: { y: 'float32' }, id: [name] },
        { columns: { [name]: name, y: 'twin' } },
      );
    }
    const uri = join(tables.folder, 'out/both');
    const path = writeJob(
      tables.folder,
      {
        model: tables.model,
        input: { uri: tables.input('names/names.parquet') },
        features: { x: ['x'] },
        outputs: { y: 'float32' },
        passthrough: ['Twin', 'twin'],
        output: { uri },
      },
      'both.yaml',
    );
    const { code, stderr } = await prescore(['check', path]);
    expect(code).toBe(2);
    expect(stderr).toContain('two columns of one name (case aside)');
  });
});

/** A map from names, `__proto__` among them: an object literal would lose it. */
function entries(names: readonly string[], source: (name: string) => string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, source(name)]));
}
