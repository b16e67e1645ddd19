import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Compared, compareParquet } from '../harness/compare-parquet.ts';
import { type CasesRun, type Corpus, casesOf, makeCorpus, runCases } from '../harness/parquet-corpus.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const USED = ['id', 'x', 'note', 'kept'];

const WHAT: Readonly<Record<string, string>> = {
  A13: 'zero rows: success, 0 rows, schema kept',
  A14: 'zero row groups: the same, also beside files with rows',
  A16: 'many row groups of one row, and many small files: right values (20,000 row groups are the limit)',
  A29: 'dictionary pages followed by plain ones: right values',
  A30: 'each codec, page version and encoding: right values',
  A33: 'columns that the job does not use are ignored, whatever is wrong with them',
  A34: 'ids that are null or occur twice are kept as they are: rows are joined by position, not by id',
};

describe('unusual but valid Parquet files', () => {
  const home = suiteFolder();
  let corpus: Corpus;
  let run: CasesRun;
  let compared: Readonly<Record<string, Compared>>;

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'valid');
    const cases = casesOf(corpus);
    run = await runCases(corpus, 'out', cases, {
      model: corpus.model('float32'),
      features: { x: { columns: ['x'] } },
      outputs: { y: 'y' },
      id: ['id'],
      passthrough: ['note', 'kept'],
    });
    const specs = cases.map((name) => ({
      name,
      inputs: readdirSync(join(corpus.data, name))
        .sort()
        .map((file) => join(corpus.data, name, file)),
      output: run.of(name).output,
      columns: { id: 'id', note: 'note', kept: 'kept', y: 'x' },
      only: USED,
    }));
    compared = await compareParquet(corpus.folder, specs);
  }, 120_000);

  it('are scored by one call that ends with 0', () => {
    expect(run.result.stderr).toBe('');
    expect(run.result.code).toBe(0);
  });

  it.each(Object.entries(WHAT))('%s %s', (number, _what) => {
    const cases = casesOf(corpus).filter((name) => name.startsWith(number.toLowerCase()));
    expect(cases.length).toBeGreaterThan(0);
    for (const name of cases) {
      const { rows, columns } = compared[name]!;
      expect(run.of(name).done, name).toMatchObject({ rows, rejected: 0 });
      for (const [column, { differences }] of Object.entries(columns)) {
        expect(differences, `${name} ${column}`).toEqual([]);
      }
    }
  });

  it('A13 A14 the schema of an empty output is that of one with rows', () => {
    const types = (name: string) => Object.values(compared[name]!.columns).map((c) => c.target);
    expect(compared['a13_zero_rows']!.rows).toBe(0);
    expect(compared['a14_zero_row_groups']!.rows).toBe(0);
    expect(types('a13_zero_rows')).toEqual(types('a30_none_v1'));
    expect(types('a14_zero_row_groups')).toEqual(types('a30_none_v1'));
  });
});
