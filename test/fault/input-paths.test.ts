import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { runPython } from '../harness/python.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

const home = suiteFolder();
const model = join(home, 'models/float32.onnx');
beforeAll(() => runPython('make_identity.py', [join(home, 'models')]), 120_000);

/** Writes small tables: by path the ids of their rows, which are the feature as well. */
async function writeTables(folder: string, tables: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const [path, ids] of Object.entries(tables)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const rows = `select i::BIGINT as id, i::FLOAT as a, i::INTEGER as "Y" from (select unnest([${ids.join(', ')}]) as i)`;
    await connection.run(`copy (${rows}) to '${join(folder, path)}' (format parquet)`);
  }
  connection.closeSync();
  instance.closeSync();
}

const identity = (changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  model: { uri: model, sha256: sha256Of(model) },
  features: { x: { columns: ['a'] } },
  outputs: { y: 'y' },
  id: ['id'],
  output: { uri: 'out' },
  execution: { scorers: 1 },
  ...changes,
});

/** Runs a job and gives its rows by id, or the error of the run. */
async function rowsOf(path: string, output: string): Promise<Map<number, Record<string, unknown>> | string> {
  const { code, stderr } = await prescore(['run', path]);
  if (code !== 0) return `exit ${code}: ${stderr}`;
  return new Map((await readOutput(output)).map((row) => [Number(row['id']), row]));
}

describe('names with the signs of patterns', () => {
  it.each([
    ['p[1].parquet', 'p1.parquet'],
    ['a?.parquet', 'ab.parquet'],
    ['q*.parquet', 'qxyz.parquet'],
    ['[!x].parquet', 'y.parquet'],
    ['**.parquet', 'z.parquet'],
  ])('a file %s beside its twin %s is read as itself', async (name, twin) => {
    const folder = tempFolder();
    await writeTables(folder, { [`in/${name}`]: [1, 2, 3], [`in/${twin}`]: [11, 12, 13] });
    const rows = await rowsOf(writeJob(folder, identity({ input: { uri: 'in/' } })), join(folder, 'out'));
    expect([...(rows as Map<number, Record<string, unknown>>).values()].map((r) => [Number(r['id']), r['y']])).toEqual(
      expect.arrayContaining([1, 2, 3, 11, 12, 13].map((id) => [id, id])),
    );
    expect((rows as Map<number, unknown>).size).toBe(6);
  });

  it.each([
    ['v[12]', 'v1'],
    ['a*b', 'axxb'],
    ['w?', 'wx'],
    ['{partition}', 'other'],
  ])('a job in a folder %s reads its own rows, not those of %s', async (name, twin) => {
    const folder = tempFolder();
    await writeTables(folder, { [`${name}/in/a.parquet`]: [1, 2], [`${twin}/in/a.parquet`]: [11, 12] });
    for (const [k, uri] of ['in/*.parquet', 'in/a.parquet', 'in/', 'in'].entries()) {
      const path = writeJob(join(folder, name), identity({ input: { uri }, output: { uri: `out-${k}` } }));
      const rows = await rowsOf(path, join(folder, name, `out-${k}`));
      expect(rows, uri).toEqual(new Map([1, 2].map((id) => [id, expect.objectContaining({ y: id })])));
    }
  });

  it('a sign in brackets stands for itself; an escape of a file: URI as well', async () => {
    const folder = tempFolder();
    await writeTables(folder, { 'in [v1]/a.parquet': [1], 'in v/a.parquet': [11], 'in 1/a.parquet': [12] });
    for (const uri of ['in [[]v1]/*.parquet', `file://${folder}/in%20%5Bv1]/*.parquet`]) {
      const path = writeJob(folder, identity({ input: { uri }, output: { uri: `out${uri.length}` } }));
      expect([...((await rowsOf(path, join(folder, `out${uri.length}`))) as Map<number, unknown>).keys()]).toEqual([1]);
    }
  });

  it('what is published comes from the output of this job, not from the twin that its name would match', async () => {
    const folder = tempFolder();
    await writeTables(folder, { 'd1/x.parquet': [7], 'd2/x.parquet': [7] });
    for (const [k, output] of [
      [1, 'o1'],
      [2, 'o[1]'],
    ] as const) {
      const job = identity({
        input: { uri: `d${k}/` },
        features: { x: { columns: ['a'] } },
        output: { uri: output },
        state: `state-${k}`,
        predictions: { store: `lmdb:sets-${k}`, set: 's', key: 'id' },
      });
      const { code, stderr } = await prescore(['run', writeJob(folder, job, `${k}.json`)]);
      expect(code, stderr).toBe(0);
    }
    const { stdout } = await prescore(['lookup', '7', '--store', `lmdb:${folder}/sets-2`, '--set', 's', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ values: { y: 7 } });
  });

  it('a backslash beside such a sign cannot be read, and is named', async () => {
    const folder = tempFolder();
    await writeTables(folder, { 'in/b\\[1].parquet': [1], 'in/c\\d.parquet': [2] });
    const rows = await rowsOf(writeJob(folder, identity({ input: { uri: 'in/' } })), join(folder, 'out'));
    expect(rows).toMatch(/URI_INVALID: a path with a backslash/);
  });
});

describe('values in paths', () => {
  const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__';
  async function read(type: string, values: readonly string[], more: Readonly<Record<string, unknown>> = {}) {
    const folder = tempFolder();
    await writeTables(folder, Object.fromEntries(values.map((value, i) => [`in/v=${value}/p.parquet`, [i]])));
    const job = identity({ input: { uri: 'in/**/*.parquet', pathColumns: { v: type } }, passthrough: ['v'], ...more });
    const path = writeJob(folder, job);
    return { path, output: join(folder, 'out') };
  }

  it('the name that stands for null is null, as a text, a number and a feature', async () => {
    const text = await read('string', ['de', HIVE_NULL, 'null']);
    const texts = (await rowsOf(text.path, text.output)) as Map<number, Record<string, unknown>>;
    expect([0, 1, 2].map((id) => texts.get(id)!['v'])).toEqual(['de', null, 'null']);
    const features = { x: { columns: ['v'], nulls: { fill: -1 } } };
    const number = await read('int32', ['1', '07', HIVE_NULL, 'null'], { features });
    const numbers = (await rowsOf(number.path, number.output)) as Map<number, Record<string, unknown>>;
    expect([0, 1, 2, 3].map((id) => [numbers.get(id)!['y'], numbers.get(id)!['v']])).toEqual([
      [1, 1],
      [7, 7],
      [-1, null],
      [-1, null],
    ]);
  });

  it.each([
    ['int32', '2.7'],
    ['int64', '1e3'],
    ['int32', '1_000'],
    ['int8', '300'],
    ['uint8', '-1'],
    ['int32', ''],
    ['int32', ' 1'],
    ['float', '1,5'],
    ['float', '1e39'],
    ['double', 'nan'],
    ['bool', 'maybe'],
    ['date', '2024-02-30'],
    ['date', '20240301'],
  ])('as %s %j is refused by check and by run, with the path', async (type, value) => {
    const { path } = await read(type, [value]);
    for (const command of ['check', 'run']) {
      const { code, stderr } = await prescore([command, path]);
      expect(code).toBe(4);
      expect(stderr).toMatch(/^INPUT_SCHEMA: input\.pathColumns\.v: the path has no value of this type/m);
      expect(stderr).toContain(`v=${value}/p.parquet`);
    }
  });

  it('the name of a file is no value, also where it looks like one', async () => {
    const folder = tempFolder();
    await writeTables(folder, { 'in/v=de/v=de-0001.parquet': [1], 'bare/v=de.parquet': [1] });
    const job = (uri: string, output: string) =>
      writeJob(
        folder,
        identity({ input: { uri, pathColumns: { v: 'string' } }, passthrough: ['v'], output: { uri: output } }),
      );
    const rows = (await rowsOf(job('in/**/*.parquet', 'out'), join(folder, 'out'))) as Map<
      number,
      Record<string, unknown>
    >;
    expect(rows.get(1)).toMatchObject({ v: 'de' });
    expect(await rowsOf(job('bare/', 'out2'), join(folder, 'out2'))).toMatch(
      /INPUT_SCHEMA.*the path has no folder v=…/,
    );
  });

  it('escapes are decoded once each; a lone % is itself; two folders of one key are refused', async () => {
    const values = {
      'a%2Fb': 'a/b',
      '50%25': '50%',
      '100%': '100%',
      '%252F': '%2F',
      'a+b': 'a+b',
      'a=b': 'a=b',
      '%41%': 'A%',
    };
    const { path, output } = await read('string', Object.keys(values));
    const rows = (await rowsOf(path, output)) as Map<number, Record<string, unknown>>;
    expect(Object.values(values).map((_, id) => rows.get(id)!['v'])).toEqual(Object.values(values));
    const twice = await read('string', ['a/v=b']);
    expect(await rowsOf(twice.path, twice.output)).toMatch(/the path has two such folders/);
    const withNul = await read('string', ['a%00b']);
    expect(await rowsOf(withNul.path, withNul.output)).toMatch(/INPUT_SCHEMA.*a text with a NUL cannot be kept/);
  });
});

describe('names that are passed over', () => {
  it('folders _key=value are data; bookkeeping, hidden names and markers are not, and are told when nothing else is there', async () => {
    const folder = tempFolder();
    await writeTables(folder, {
      'in/_region=de/a.parquet': [1],
      'in/_metadata/x.parquet': [2],
      'in/_temporary/0/y.parquet': [3],
      'in/.hidden.parquet': [4],
    });
    const job = identity({ input: { uri: 'in/', pathColumns: { _region: 'string' } }, passthrough: ['_region'] });
    const rows = await rowsOf(writeJob(folder, job), join(folder, 'out'));
    expect(rows).toEqual(new Map([[1, expect.objectContaining({ _region: 'de' })]]));
    await writeTables(folder, { 'none/_SUCCESS/a.parquet': [1], 'none/.b.parquet': [1] });
    const none = await rowsOf(writeJob(folder, identity({ input: { uri: 'none/' } })), join(folder, 'out2'));
    expect(none).toMatch(/INPUT_NOT_FOUND.*only what is passed over: .*\.b\.parquet \(a hidden name\)/);
  });

  it('a file that begins with _ and looks like data is told of', async () => {
    const folder = tempFolder();
    await writeTables(folder, { 'in/a.parquet': [1], 'in/_b.parquet': [2] });
    const { code, stderr } = await prescore(['run', writeJob(folder, identity({ input: { uri: 'in/' } }))]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/passed over .*_b\.parquet: a name that begins with _/);
  });
});

describe('names of columns that are left to the model', () => {
  it.each([
    ['passthrough', { passthrough: ['Y'] }],
    ['id', { id: ['id', 'Y'] }],
  ])(
    'a column kept as %s with the name of an output, case aside, is refused before a row is scored',
    async (_, kept) => {
      const folder = tempFolder();
      await writeTables(folder, { 'in/a.parquet': [1, 2] });
      const { outputs: _left, ...job } = identity({ input: { uri: 'in/' }, ...kept });
      for (const command of ['check', 'run']) {
        const { code, stderr } = await prescore([command, writeJob(folder, job)]);
        expect(code).toBe(2);
        expect(stderr).toMatch(
          /SPEC_INVALID: gives the output two columns of one name .*outputs: \{ y_predicted: \{ tensor: y \} \}/,
        );
      }
    },
  );
});
