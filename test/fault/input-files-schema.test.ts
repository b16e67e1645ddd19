import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Compared, compareParquet } from '../harness/compare-parquet.ts';
import {
  type CasesRun,
  type Corpus,
  casesOf,
  makeCorpus,
  rejectsOf,
  runCases,
  visibleIn,
} from '../harness/parquet-corpus.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';

const DATA = { id: 'id', note: 'note', kept: 'kept', y: 'x' };

/** Schemas that do not go together: code, what the message says, and the rows that are left under skip (null: it fails). */
const REFUSED: [string, string, string, string, number | null][] = [
  ['A22', 'a22_struct', 'SIGNATURE_MISMATCH', 'column "x" is STRUCT(x DOUBLE)', null],
  ['A22', 'a22_list_of_lists', 'SIGNATURE_MISMATCH', 'column "x" is DOUBLE[][]', null],
  ['A22', 'a22_map', 'SIGNATURE_MISMATCH', 'column "x" is MAP(VARCHAR, FLOAT)', null],
  ['A22', 'a22_text', 'SIGNATURE_MISMATCH', 'column "x" is VARCHAR', null],
  ['A22', 'a22_binary', 'SIGNATURE_MISMATCH', 'column "x" is BLOB', null],
  ['A22', 'a22_second_struct', 'INPUT_SCHEMA', 'column "x" is STRUCT(x DOUBLE)', 100],
  ['A22', 'a22_second_list', 'INPUT_SCHEMA', 'single values stand where the other has lists', 100],
  ['A22', 'a22_second_list_of_lists', 'INPUT_SCHEMA', 'column "x" is DOUBLE[][]', 100],
  ['A22', 'a22_second_map', 'INPUT_SCHEMA', 'column "x" is MAP(VARCHAR, FLOAT)', 100],
  ['A22', 'a22_second_text', 'INPUT_SCHEMA', 'column "x" is VARCHAR', 100],
  ['A22', 'a22_second_binary', 'INPUT_SCHEMA', 'column "x" is BLOB', 100],
  ['A24', 'a24_duplicate_columns', 'INPUT_DUPLICATE_COLUMN', 'two columns are named "x"', 100],
  ['A24', 'a24_duplicate_columns_unused', 'INPUT_DUPLICATE_COLUMN', 'two columns are named "evil\\nname\\u202e"', 100],
  ['A32', 'a32_missing_x', 'INPUT_SCHEMA', 'no column "x"', 100],
  ['A32', 'a32_upper_case_x', 'INPUT_SCHEMA', 'there is "X": names are compared exactly', 100],
  ['A32', 'a32_missing_kept', 'INPUT_SCHEMA', 'column "kept" is missing', 100],
  ['A32', 'a32_first_missing_kept', 'INPUT_SCHEMA', 'column "kept" is missing', 100],
  ['A32', 'a32_id_int64_and_uint64', 'INPUT_SCHEMA', 'expected BIGINT; got UBIGINT', 100],
  ['A32', 'a32_id_int64_and_double', 'INPUT_SCHEMA', 'expected BIGINT; got DOUBLE', 100],
  ['A32', 'a32_id_int64_and_text', 'INPUT_SCHEMA', 'expected BIGINT; got VARCHAR', 100],
  ['A32', 'a32_id_dates_and_timestamps', 'INPUT_SCHEMA', 'expected DATE; got TIMESTAMP', 100],
  ['A32', 'a32_kept_text_and_binary', 'INPUT_SCHEMA', 'expected VARCHAR; got BLOB', 100],
];

/** Schemas that differ and go together: the type of the joined column. */
const JOINED: [string, string, string, string][] = [
  ['A32', 'a32_order', 'id', 'int64'],
  ['A32', 'a32_nullability', 'id', 'int64'],
  ['A32', 'a32_id_int32_and_int64', 'id', 'int64'],
  ['A32', 'a32_id_int64_and_int16', 'id', 'int64'],
  ['A32', 'a32_id_uint32_and_int16', 'id', 'int64'],
  ['A32', 'a32_x_float_and_double', 'y', 'float'],
  ['A32', 'a32_x_int8_and_float', 'y', 'float'],
  ['A32', 'a32_kept_large_text', 'kept', 'string'],
  ['A32', 'a32_extra_and_unused', 'id', 'int64'],
];

describe('columns of input files', () => {
  const home = suiteFolder();
  let corpus: Corpus;
  let compared: Readonly<Record<string, Compared>>;
  const runs = new Map<string, CasesRun>();
  const of = (policy: string, name: string) => runs.get(policy)!.of(name);

  beforeAll(async () => {
    corpus = await makeCorpus(home, 'schemas');
    const cases = casesOf(corpus).filter((name) => name !== 'a23_lists');
    for (const onBadFile of ['fail', 'skip']) {
      const run = await runCases(corpus, onBadFile, cases, {
        model: corpus.model('float32'),
        input: { uri: join(corpus.data, '{partition}/*.parquet'), onBadFile },
        features: { x: { columns: ['x'] } },
        outputs: { y: 'y' },
        id: ['id'],
        passthrough: ['note', 'kept'],
        rejects: { limit: '100%' },
      });
      runs.set(onBadFile, run);
    }
    const specs = JOINED.map(([, name]) => {
      const inputs = ['a', 'b'].map((file) => join(corpus.data, name, `${file}.parquet`));
      return { name, inputs, output: of('fail', name).output, columns: DATA, only: Object.values(DATA) };
    });
    compared = await compareParquet(corpus.folder, specs);
  }, 120_000);

  it('A22 A24 A32 are all tried', () => {
    const tried = [...REFUSED, ...JOINED].map(([, name]) => name);
    const others = ['a22_list', 'a22_null', 'a22_second_null', 'a23_lists'];
    expect(casesOf(corpus).filter((name) => !name.startsWith('a27'))).toEqual([...tried, ...others].sort());
  });

  it.each(REFUSED)(
    '%s %s: %s before a row is scored, naming the file; skip leaves the odd one out',
    async (_number, name, code, text, rows) => {
      const failed = of('fail', name);
      expect(failed.error).toMatchObject({ code });
      expect(failed.error?.message).toContain(text);
      expect(failed.error?.message).toContain(`${name}/`);
      expect(failed.error?.message).not.toMatch(/[\n\u202e]/);
      expect(visibleIn(failed.output)).toEqual([]);
      if (rows === null) {
        // No file feeds the model: the job is wrong, not the files.
        expect(of('skip', name).error).toMatchObject({ code });
        return;
      }
      expect(of('skip', name)).toMatchObject({ error: null, skipped: 1, done: { rows, rejected: 0 } });
      expect(await readOutput(of('skip', name).output)).toHaveLength(rows);
    },
  );

  it.each(JOINED)('%s %s goes together: the right values, %s as %s', (_number, name, column, type) => {
    expect(of('fail', name)).toMatchObject({ error: null, done: { rows: 200, rejected: 0 } });
    const { columns } = compared[name]!;
    for (const [each, { differences }] of Object.entries(columns)) expect(differences, each).toEqual([]);
    expect(columns[column]!.target).toBe(type);
  });

  it('A22 a list of one value feeds a single one; a column without a type is a column of nulls', async () => {
    expect(of('fail', 'a22_list')).toMatchObject({ done: { rows: 100, rejected: 0 } });
    expect((await readOutput(of('fail', 'a22_list').output)).every((row) => row['y'] === 1)).toBe(true);
    expect(of('fail', 'a22_null')).toMatchObject({ done: { rows: 0, rejectsByRule: { bad_output: 100 } } });
    expect(of('fail', 'a22_second_null')).toMatchObject({ done: { rows: 100, rejectsByRule: { bad_output: 100 } } });
  });

  it('A23 a list of the wrong length rejects its row; null elements follow the policy', async () => {
    const run = await runCases(corpus, 'lists', ['a23_lists'], {
      model: corpus.model('list'),
      features: { x: { columns: ['v'], nulls: 'reject' } },
      outputs: { y: 'y' },
      id: ['id'],
      rejects: { limit: 10 },
    });
    const outcome = run.of('a23_lists');
    expect([run.result.code, outcome.done?.rejectsByRule]).toEqual([3, { list_length: 3, null_list: 2, null: 1 }]);
    expect(await readOutput(outcome.output)).toEqual([
      { id: 10n, y: [1, 2, 3] },
      { id: 12n, y: [4, 5, 6] },
      { id: 0n, y: [1, 2, 3] },
      { id: 6n, y: [4, 5, 6] },
    ]);
    const rules = (await rejectsOf(outcome)).map((e) => [e['source_row'], e['rule'], e['column'], e['id']]);
    expect(rules).toEqual([
      [1n, 'null_list', 'v', 11n],
      [1n, 'list_length', 'v', 1n],
      [2n, 'list_length', 'v', 2n],
      [3n, 'null_list', 'v', 3n],
      [4n, 'list_length', 'v', 4n],
      [5n, 'null', 'v', 5n],
    ]);
  });
});
