import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LiveTensor } from '../../src/base/contract/live-model.ts';
import { readNativeModel } from '../../src/model/native/read-native-model.ts';
import { plainScores } from '../../src/model/trees/plain-scores.ts';
import { prescore } from '../harness/cli.ts';
import { floats, openHost } from '../harness/live-host.ts';
import { queryParquet } from '../harness/query-parquet.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { fixtures, sha256Of, tempFolder, writeJob } from '../harness/temp-job.ts';

const contact = join(fixtures, 'first-contact');
const MODELS = ['lightgbm.txt', 'xgboost.json', 'xgboost.ubj'];
const TABLE = join(contact, 'tables', 'pandas.parquet');
const NAMES = ['age', 'income', 'score', 'height'];

const pathOf = (name: string): string => join(contact, 'foreign', name);

/** Raw scores of the table's rows by id, the plain way. */
async function expectedScores(name: string): Promise<Map<number, number>> {
  const { ensemble } = readNativeModel(readFileSync(pathOf(name)), name);
  const table = await readParquet(TABLE);
  const rows = Float64Array.from(table.flatMap((row) => NAMES.map((feature) => Number(row[feature]))));
  const scores = plainScores(ensemble, rows);
  return new Map(table.map((row, i) => [Number(row['customer_id']), scores[i]!]));
}

describe.each(MODELS)('%s, as its trainer saved it', (name) => {
  it('from init to a lookup, unedited', async () => {
    const folder = tempFolder();
    const args = ['--predictions', `lmdb:${join(folder, 'set')}`, '--key', 'customer_id'];
    const drafted = await prescore(['init', pathOf(name), TABLE, ...args], { cwd: folder });
    expect([drafted.code, drafted.stdout]).toEqual([0, expect.stringContaining('4 of 4 inputs bound')]);
    const sample = await prescore(['run', 'job.yaml', '--sample', '5'], { cwd: folder });
    expect([sample.code, sample.stdout]).toEqual([0, expect.stringContaining('probability')]);
    const run = await prescore(['run', 'job.yaml', '--json'], { cwd: folder });
    expect([run.code, run.stderr]).toEqual([0, expect.not.stringContaining('warning')]);
    const output = /uri: (out\/\S+)/.exec(readFileSync(join(folder, 'job.yaml'), 'utf8'))![1]!;
    const scores = await expectedScores(name);
    const rows = await readOutput(join(folder, output));
    expect(rows).toHaveLength(scores.size);
    for (const row of rows) {
      const raw = scores.get(Number(row['customer_id']))!;
      expect(row['raw']).toBe(raw);
      expect(Number(row['probability'])).toBeCloseTo(1 / (1 + Math.exp(-raw)), 6);
      expect(Number(row['prediction'])).toBe(Number(raw > 0));
    }
    const found = await prescore(['lookup', '--job', 'job.yaml', '1003', '--json'], { cwd: folder });
    expect([found.code, found.stdout]).toEqual([0, expect.stringContaining(`"raw":${scores.get(1003)}`)]);
  });

  it('in a model folder, with the bits of a run', async () => {
    const folder = tempFolder();
    const place = join(folder, 'churn', '1');
    const file = `model.${name.split('.')[1]}`;
    mkdirSync(place, { recursive: true });
    cpSync(pathOf(name), join(place, file));
    writeFileSync(join(place, `${file}.sha256`), sha256Of(pathOf(name)));
    const host = openHost(folder);
    const model = await host.model('churn', null);
    const row = (await readParquet(TABLE))[3]!;
    const type = name.startsWith('lightgbm') ? 'float64' : 'float32';
    const View = type === 'float64' ? Float64Array : Float32Array;
    const inputs = new Map(
      NAMES.map((feature): [string, LiveTensor] => [
        feature,
        { type, dims: [1, 1], data: new View([Number(row[feature])]) },
      ]),
    );
    const answer = await model.infer({ ...floats('age', 1, [0]), inputs, outputs: ['raw'] });
    const raw = answer.outputs.get('raw')!.data as Float64Array;
    expect(raw[0]).toBe((await expectedScores(name)).get(1003));
  });
});

describe('reason codes in what init writes', () => {
  const switchedOn = (folder: string): string => {
    const text = readFileSync(join(folder, 'job.yaml'), 'utf8').replace(/^( +)# (reasons)/m, '$1$2');
    writeFileSync(join(folder, 'job.yaml'), text);
    return text;
  };

  it('work when their line is no comment any more', async () => {
    const folder = tempFolder();
    const drafted = await prescore(['init', pathOf(MODELS[0]!), TABLE], { cwd: folder });
    expect([drafted.code, drafted.stdout]).toEqual([0, expect.stringContaining('outputs.reasons in job.yaml')]);
    expect(switchedOn(folder)).toMatch(/^ {2}reasons: \{ explain: top, count: 3 \} # take off the # /m);
    expect(await prescore(['run', 'job.yaml'], { cwd: folder })).toMatchObject({ code: 0 });
    const output = /uri: (out\/\S+)/.exec(readFileSync(join(folder, 'job.yaml'), 'utf8'))![1]!;
    for (const row of await readOutput(join(folder, output))) {
      expect(row['reasons']).toHaveLength(3);
      expect(row['reasons_contributions']).toHaveLength(3);
    }
  });

  it('say that trees in ONNX need a background; other models have none; names that are taken are left alone', async () => {
    const folder = tempFolder();
    const flights = join(fixtures, 'flights/month=01/part-0.parquet');
    const table = join(folder, 'data', 'table.parquet');
    mkdirSync(join(folder, 'data'));
    await queryParquet(flights, `copy (select flight_id "Reasons", * exclude (flight_id) from t) to '${table}'`);
    const drafted = await prescore(
      ['init', join(fixtures, 'models/delay_histgb.onnx'), table, '--id', 'Reasons', '--features', 'input=*'],
      { cwd: folder },
    );
    expect(drafted).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'job.yaml'), 'utf8')).toMatch(/# reasons_2: .*explain: top.*background/);
    const other = await prescore(['init', join(fixtures, 'models/delay_mlp.onnx'), flights, '--force'], {
      cwd: folder,
    });
    expect(other).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'job.yaml'), 'utf8')).not.toContain('explain');
  });
});

const job = (folder: string, more: Readonly<Record<string, unknown>>): string =>
  writeJob(folder, {
    model: { uri: pathOf('lightgbm.txt'), sha256: sha256Of(pathOf('lightgbm.txt')) },
    input: { uri: TABLE },
    output: { uri: join(folder, 'out') },
    ...more,
  });

it('features are found by their names where the job names none; plan and manifest say what scores them', async () => {
  const folder = tempFolder();
  const path = job(folder, { id: ['customer_id'], outputs: { raw: 'raw' } });
  expect((await prescore(['run', path])).code).toBe(0);
  const scores = await expectedScores('lightgbm.txt');
  for (const row of await readOutput(join(folder, 'out')))
    expect(row['raw']).toBe(scores.get(Number(row['customer_id'])));
  const shown = await prescore(['runs', 'show', path, '--json']);
  expect(shown.stdout).toMatch(/"engine":\s*\{\s*"name":\s*"trees",\s*"checkedRows":\s*\d+/);
});

it('a feature that the table has not is named', async () => {
  const folder = tempFolder();
  const text = readFileSync(pathOf('lightgbm.txt'), 'utf8').replace('age income', 'size income');
  writeFileSync(join(folder, 'model.txt'), text);
  const model = { uri: join(folder, 'model.txt'), sha256: sha256Of(join(folder, 'model.txt')) };
  const { code, stderr } = await prescore(['check', job(folder, { model })]);
  expect([code, stderr]).toEqual([5, expect.stringMatching(/SIGNATURE_MISMATCH.*size/)]);
});

it('linear trees are refused by name, before anything is written', async () => {
  const folder = tempFolder();
  const text = readFileSync(pathOf('lightgbm.txt'), 'utf8').replaceAll('is_linear=0', 'is_linear=1');
  writeFileSync(join(folder, 'model.txt'), text);
  const model = { uri: join(folder, 'model.txt'), sha256: sha256Of(join(folder, 'model.txt')) };
  const { code, stderr } = await prescore(['run', job(folder, { model })]);
  expect([code, stderr]).toEqual([5, expect.stringMatching(/MODEL_INVALID.*linear/)]);
});
