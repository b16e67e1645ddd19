import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { type CliResult, prescore } from '../harness/cli.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

const contact = join(fixtures, 'first-contact');
const model = (name: string): string => join(contact, 'models', name);
const table = (name: string): string => join(contact, 'tables', name);
/** What onnxruntime in Python answers for the rows 1000, 1001, … of the tables. */
const expected = JSON.parse(readFileSync(join(contact, 'expected.json'), 'utf8')) as Record<
  string,
  Record<string, number[][]>
>;

interface Drafted extends CliResult {
  readonly text: string;
}

async function init(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Drafted> {
  const result = await prescore(['init', ...args], { cwd: folder, env });
  const path = join(folder, 'job.yaml');
  return { ...result, text: existsSync(path) ? readFileSync(path, 'utf8') : '' };
}

/** Runs the job and compares one column with Python's answers, by id. */
async function runsRight(
  folder: string,
  output: string,
  name: string,
  column: string,
  tensor: string,
  index?: number,
): Promise<void> {
  const { code, stderr } = await prescore(['run', 'job.yaml'], { cwd: folder });
  expect([code, stderr.includes('warning')]).toEqual([0, false]);
  const rows = await readOutput(join(folder, output));
  expect(rows).toHaveLength(60);
  const answers = expected[name]![tensor]!;
  for (const row of rows) {
    const answer = answers[Number(row['customer_id']) - 1000]!;
    const value = Array.isArray(answer) ? answer[index ?? 0] : answer;
    expect(Math.fround(Number(row[column]))).toBe(Math.fround(Number(value)));
  }
}

/** The one edit that answers a question whose suggestion is right. */
function takeMarkOff(folder: string): void {
  const path = join(folder, 'job.yaml');
  const text = readFileSync(path, 'utf8');
  expect(text.match(/^ *\w+\?:/gm)).toHaveLength(1);
  writeFileSync(path, text.replace(/^( *\w+)\?:/m, '$1:'));
}

const TABLES = [
  'pandas.parquet',
  'pandas_index.parquet',
  'polars.parquet',
  'polars.arrow',
  'duckdb.parquet',
  'pyarrow.parquet',
];

describe('init, then run, unedited', () => {
  it.each(TABLES)('one input for each column, from %s: a text, an id, a target and an index beside', async (name) => {
    const folder = tempFolder();
    const drafted = await init(folder, [model('columns.onnx'), table(name)]);
    expect([drafted.code, drafted.stderr]).toEqual([0, '']);
    expect(drafted.text).toMatch(/^features: #.*\n {2}age: age\n {2}income: income\n {2}city: city\n/m);
    expect(drafted.text).toContain('id: [ customer_id ] # guess: ');
    await runsRight(folder, 'out/columns', 'columns', 'probability', 'probabilities', 1);
  });

  it("names and order of the model's metadata, in a shuffled table with an index of pandas", async () => {
    const folder = tempFolder();
    const drafted = await init(folder, [model('named.onnx'), table('pandas_index.parquet')]);
    expect(drafted.stdout).toContain("those of the model's metadata");
    expect(drafted.text).toContain('columns: [ age, income, score, height ]\n');
    await runsRight(folder, 'out/named', 'named', 'probability', 'probabilities', 1);
  });
});

describe('a draft with a question', () => {
  it.each([
    ['forest', 'probability', 'probabilities', 1],
    ['linear', 'variable', 'variable', undefined],
    ['lightgbm', 'probability', 'probabilities', 1],
    ['catboost', 'label', 'label', undefined],
  ])(
    'of a %s model: check, plan, run and a sample refuse it; without its mark it scores',
    async (name, column, tensor, index) => {
      const folder = tempFolder();
      const drafted = await init(folder, [model(`${name}.onnx`), table('pandas_index.parquet')]);
      expect(drafted.code).toBe(0);
      expect(drafted.stderr).toMatch(/^question: job\.yaml:\d+: features\.\w+\.columns .*order of the training\?\n$/);
      expect(drafted.text).toMatch(/columns\?: \[ age, income, score, height \] # question: /);
      expect(drafted.text).toMatch(
        /left out: .*"target" \(guess: the target.*"__index_level_0__" \(an index that pandas wrote\)/,
      );
      for (const args of [['check'], ['plan'], ['run'], ['run', '--sample', '2'], ['doctor']]) {
        const [command = '', ...flags] = args;
        const { code, stdout, stderr } = await prescore([command, 'job.yaml', ...flags], { cwd: folder });
        expect(`${stdout}${stderr}`).toMatch(/features\.\w+\.columns: is an open question: .*order of the training\?/);
        expect(code).toBe(2);
      }
      expect(existsSync(join(folder, 'out'))).toBe(false);
      takeMarkOff(folder);
      await runsRight(folder, `out/${name}`, name, column, tensor, index);
    },
    120_000,
  );

  it('flags answer it: --features, --exclude, --id, --key, --predictions', async () => {
    const folder = tempFolder();
    const sets = ['--predictions', 'lmdb:sets', '--key', 'customer_id'];
    const said = ['--features', 'age,income,score,height'];
    const drafted = await init(folder, [
      model('forest.onnx'),
      table('polars.parquet'),
      '--name',
      'mine',
      ...said,
      ...sets,
    ]);
    expect([drafted.code, drafted.stderr]).toEqual([0, '']);
    expect(drafted.text).toMatch(/^name: mine$/m);
    expect(drafted.text).toMatch(/predictions:\n {2}store: lmdb:sets\n {2}key: \[ customer_id \]\n$/);
    await runsRight(folder, 'out/mine', 'forest', 'probability', 'probabilities', 1);
    const found = await prescore(['lookup', '1007', '--store', 'lmdb:sets', '--set', 'mine', '--json'], {
      cwd: folder,
    });
    expect([found.code, found.stdout.includes('"probability"')]).toEqual([0, true]);

    const all = await init(folder, [
      model('forest.onnx'),
      table('polars.parquet'),
      '--force',
      '--features',
      '*',
      '--exclude',
      'target',
      '--id',
      'customer_id,city',
    ]);
    expect(all.text).toContain('columns: [ age, income, score, height ]\n');
    expect(all.text).toContain('id: [ customer_id, city ]\n');
  });

  it('flags that cannot be are refused before anything is written, with what is near', async () => {
    const folder = tempFolder();
    const base = [model('forest.onnx'), table('polars.parquet')];
    for (const [flags, says] of [
      [['--features', 'age,incmoe,score,height'], /no column "incmoe".*Did you mean income\?/],
      [['--features', 'age,income'], /--features does not fit input X/],
      [['--exclude', 'x y z'], /--exclude: there is no column/],
      [['--key', 'customer_id'], /--predictions, which is not given/],
      [['--predictions', 'mysql://x'], /--predictions is no address/],
      [['--predictions', 'redis://:sec/secret@host/0'], /got redis:\/\/host\/0\..*PRESCORE_REDIS_PASSWORD/],
      [['--endpoint', 'http://user:secret@host'], /--endpoint holds user information/],
      [['--name', 'No Name'], /--name/],
    ] as const) {
      const { code, stderr, text } = await init(folder, [...base, ...flags]);
      expect([code, text]).toEqual([2, '']);
      expect(stderr).toMatch(/^USAGE: /);
      expect(stderr).toMatch(says);
      expect(stderr).not.toContain('secret');
    }
  }, 120_000);

  it('a guessed key fails a publication rather than drop rows', async () => {
    const folder = tempFolder();
    const drafted = await init(folder, [model('columns.onnx'), table('polars.parquet'), '--predictions', 'lmdb:sets']);
    expect(drafted.text).toMatch(/key: \[ customer_id \] # guess: .*\n {2}onDuplicateKey: error\n/);
    const none = await init(folder, [
      model('columns.onnx'),
      table('polars.parquet'),
      '--force',
      '--predictions',
      'lmdb:sets',
      '--exclude',
      'customer_id',
    ]);
    expect(none.code).toBe(0);
  });
});

describe('folders', () => {
  it('of partitions: a template, path columns and an output for each', async () => {
    const folder = tempFolder();
    for (const month of ['01', '02']) {
      mkdirSync(join(folder, `data/month=${month}`), { recursive: true });
      cpSync(table('duckdb.parquet'), join(folder, `data/month=${month}/part-0.parquet`));
    }
    const drafted = await init(folder, [model('columns.onnx'), 'data']);
    expect(drafted.text).toContain('uri: "data/month={partition}/"\n  pathColumns: { month: int32 }\n');
    expect(drafted.text).toMatch(/partitions:\n {2}values: \[ "01", "02" \] #/);
    const { code } = await prescore(['run', 'job.yaml'], { cwd: folder });
    expect([code, readdirSync(join(folder, 'out/columns')).sort()]).toEqual([0, ['_prescore', 'month=01', 'month=02']]);
  });

  it('with the model and notes beside the tables; several files; a file with signs of a glob', async () => {
    const folder = tempFolder();
    cpSync(model('columns.onnx'), join(folder, 'columns.onnx'));
    for (const name of ['a.parquet', 'b.parquet', 'c[1].parquet']) cpSync(table('duckdb.parquet'), join(folder, name));
    writeFileSync(join(folder, 'README.md'), '# mine\n');
    const here = await init(folder, ['columns.onnx', '.']);
    expect(here.stderr).toBe('');
    expect(here.text).toContain(
      'uri: [ a.parquet, b.parquet, "c[[]1].parquet" ] # guess: the tables that are there now',
    );
    expect((await prescore(['check', 'job.yaml'], { cwd: folder })).stdout).toContain('3 files, 180 rows');
    await init(folder, ['columns.onnx', 'a.parquet', 'c[1].parquet', '--force']);
    expect((await prescore(['check', 'job.yaml'], { cwd: folder })).stdout).toContain('2 files, 120 rows');
  });

  it('of an S3 store that is not AWS: --endpoint and --region become stores', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'init');
    const { store, stores } = openBucket(address, bucket);
    await store.put('day/a.parquet', readFileSync(table('duckdb.parquet')));
    await stores.close();
    const folder = tempFolder();
    const keys = { AWS_ACCESS_KEY_ID: address.accessKeyId, AWS_SECRET_ACCESS_KEY: address.secretAccessKey };
    const flags = ['--endpoint', address.endpoint, '--region', address.region];
    const drafted = await init(folder, [model('columns.onnx'), `s3://${bucket}/day/`, ...flags], keys);
    expect(drafted.stderr).toBe('');
    expect(drafted.text).toContain('pathStyle: true');
    const { code, stdout } = await prescore(['check', 'job.yaml'], { cwd: folder, env: keys });
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 file, 60 rows')]);
  });
});

it('--help teaches by examples', async () => {
  const { stdout } = await prescore(['init', '--help']);
  for (const part of ['--features user=u1,u2', "--features '*'", '--predictions lmdb:', '--endpoint', 'question mark'])
    expect(stdout).toContain(part);
});
