import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { failureOf } from '../harness/failure-of.ts';
import { openHost } from '../harness/live-host.ts';
import { openModel, pinnedModel } from '../harness/model-files.ts';
import { makeBucket, openBucket } from '../harness/s3-test-store.ts';
import { fixtures, tempFolder, writeJob } from '../harness/temp-job.ts';

const contact = join(fixtures, 'first-contact');
const foreign = (name: string): string => join(contact, 'foreign', name);
const table = (name: string): string => join(contact, 'tables', name);
const MODEL = join(contact, 'models/columns.onnx');

/** What the refusal of a file says it is, and the heart of the line that converts it. */
const MODELS: readonly (readonly [file: string, says: string, line: string])[] = [
  ['lightgbm.json', 'a JSON dump of a LightGBM model', 'save_model'],
  ['lightgbm.pkl', 'a LightGBM model in a pickle', ".booster_.save_model('model.txt')"],
  ['xgboost.txt', 'a text dump of an XGBoost model', 'save_model'],
  ['xgboost.pkl', 'an XGBoost model in a pickle', ".get_booster().save_model('model.json')"],
  ['catboost.pmml', 'a PMML model', 'Export the model as ONNX'],
  ['sklearn.pkl', 'a scikit-learn model in a pickle', 'skl2onnx.to_onnx(m'],
  ['sklearn_old.pkl', 'a scikit-learn model in a pickle', 'skl2onnx.to_onnx(m'],
  ['sklearn.joblib', 'a scikit-learn model in a pickle', 'skl2onnx.to_onnx(m'],
  ['sklearn_packed.joblib', 'packed with zlib (inside: a scikit-learn model in a pickle)', 'skl2onnx.to_onnx(m'],
  ['sklearn.pkl.gz', 'packed with gzip (inside: a scikit-learn model in a pickle)', 'skl2onnx.to_onnx(m'],
  ['sklearn.pkl.xz', 'packed with xz', 'skl2onnx.to_onnx(m'],
  ['forest.onnx.gz', 'packed with gzip (inside: an ONNX model)', 'gunzip'],
  ['external.onnx.data', 'raw weights', 'Name the .onnx file beside it'],
  ['model.keras', 'a Keras model', "export('model.onnx', format='onnx', input_signature=m.inputs)"],
  ['model.h5', 'a Keras model', "export('model.onnx', format='onnx', input_signature=m.inputs)"],
  ['model.tflite', 'a TensorFlow Lite model', 'python -m tf2onnx.convert --tflite'],
];

describe('model files of other tools', () => {
  it.each(MODELS)('%s is %s', async (name, says, line) => {
    const fault = await failureOf(() => openModel(foreign(name)));
    expect(fault.code).toBe('MODEL_INVALID');
    expect(fault.message).toContain(`model file is ${says}`);
    expect(fault.fix).toContain(line);
    expect(fault.message).not.toContain('\n');
  });

  it('each is known by its bytes: the words are the same under another name', async () => {
    const path = join(tempFolder(), 'model.onnx');
    for (const [name, says] of MODELS) {
      if (name === 'external.onnx.data' || name === 'sklearn.pkl.xz') continue;
      cpSync(foreign(name), path);
      expect((await failureOf(() => openModel(path))).message).toContain(`model file is ${says}`);
    }
  });

  it('a table in place of the model: the arguments may be swapped', async () => {
    for (const name of ['pandas.parquet', 'polars.arrow', 'other.csv', 'other.pkl'])
      expect((await failureOf(() => openModel(table(name)))).fix).toContain('prescore init MODEL DATA');
  });

  it('named in a job, by check, run and doctor; a SavedModel is a folder, on disk and on S3', async () => {
    const folder = tempFolder();
    const base = { input: { uri: table('pandas.parquet') }, output: { uri: join(folder, 'out') } };
    const job = writeJob(folder, { ...base, model: pinnedModel(foreign('lightgbm.json')) });
    for (const command of ['check', 'run', 'doctor']) {
      const { code, stdout, stderr } = await prescore([command, job]);
      expect(`${stdout}${stderr}`).toMatch(
        /model file is .*LightGBM.*not ONNX[\s\S]*model itself, booster\.save_model/,
      );
      expect(code).toBe(5);
    }
    const address = inject('s3');
    const bucket = await makeBucket(address, 'foreign');
    const { store, stores } = openBucket(address, bucket);
    await store.put('net/saved_model.pb', readFileSync(foreign('saved_model/saved_model.pb')));
    await stores.close();
    const main = { endpoint: address.endpoint, region: address.region, pathStyle: true };
    for (const [uri, more] of [
      [foreign('saved_model'), {}],
      [`s3://${bucket}/net`, { stores: { main } }],
    ] as const) {
      const saved = writeJob(folder, { ...base, ...more, model: { uri, sha256: '0'.repeat(64) } }, 'saved.yaml');
      const { code, stderr } = await prescore(['check', saved]);
      expect(stderr).toMatch(
        /^MODEL_INVALID: model is a folder that holds a TensorFlow SavedModel.*tf2onnx\.convert --saved-model/,
      );
      expect(code).toBe(5);
    }
  });

  it('a folder with an ONNX file in it names the file', async () => {
    const folder = tempFolder();
    const model = { uri: join(contact, 'models'), sha256: '0'.repeat(64) };
    const job = writeJob(folder, {
      model,
      input: { uri: table('pandas.parquet') },
      output: { uri: join(folder, 'out') },
    });
    const { stderr } = await prescore(['check', job]);
    expect(stderr).toMatch(/^MODEL_NOT_FOUND: the model is a folder, not a file.*Name the file: .*\.onnx/);
  });

  it('in a model folder: under the right name, under their own, and beside versions that work', async () => {
    const folder = tempFolder();
    const put = (place: string, from: string): void => {
      mkdirSync(join(folder, place, '..'), { recursive: true });
      cpSync(from, join(folder, place), { recursive: true });
      writeFileSync(join(folder, `${place}.sha256`), pinnedModel(from).sha256);
    };
    put('trees/1/model.onnx', foreign('xgboost.pkl'));
    put('forest/1/model.pkl', foreign('sklearn.pkl'));
    put('net/1/saved_model.pb', foreign('saved_model/saved_model.pb'));
    put('good/1/model.onnx', MODEL);
    put('good/2/model.joblib', foreign('sklearn.joblib'));
    const host = openHost(folder);
    for (const [name, says, line] of [
      ['trees', 'an XGBoost model in a pickle', 'save_model'],
      ['forest', 'a scikit-learn model in a pickle', 'skl2onnx.to_onnx'],
      ['net', 'a TensorFlow SavedModel', 'tf2onnx.convert'],
    ] as const) {
      const fault = await failureOf(() => host.model(name, null));
      expect([fault.code, fault.message]).toEqual([
        'LIVE_MODEL_BROKEN',
        expect.stringContaining(`MODEL_INVALID: model file is ${says}`),
      ]);
      expect((await host.index()).find((one) => one.name === name)!.reason).toContain(line);
    }
    expect((await host.model('good', null)).version).toBe('1');
    const states = await host.index();
    const reasons = states.filter(({ state }) => state === 'failed').map(({ name, reason }) => [name, reason !== '']);
    expect(reasons).toEqual([
      ['forest', true],
      ['good', true],
      ['net', true],
      ['trees', true],
    ]);
  }, 60_000);
});

describe('tables of other formats', () => {
  const TABLES: readonly (readonly [file: string, says: string, line: string])[] = [
    ['other.orc', 'an ORC table', 'pandas.read_orc'],
    ['other.avro', 'an Avro table', 'polars.read_avro'],
    ['other.xlsx', 'an Excel workbook', 'pandas.read_excel'],
    ['other.pkl', 'a pandas table in a pickle', 'pandas.read_pickle'],
    ['other.dta', 'a Stata table', 'pandas.read_stata'],
    ['other.npy', 'a NumPy array', 'numpy.load'],
  ];

  it.each(TABLES)('%s is %s, for run and check alike, whatever format the job names', async (name, says, line) => {
    const folder = tempFolder();
    for (const [format, command] of [
      ['auto', 'check'],
      ['parquet', 'run'],
    ] as const) {
      const input = { uri: table(name), format };
      const job = writeJob(folder, { model: pinnedModel(MODEL), input, output: { uri: join(folder, 'out') } });
      const { code, stderr } = await prescore([command, job]);
      expect(stderr).toMatch(/^INPUT_FORMAT: /);
      expect(stderr).toContain(`file is ${says}, neither Parquet nor Arrow`);
      expect(stderr).toContain(line);
      expect(code).toBe(4);
    }
  });

  it('an ONNX model as input; what is skipped says what it was', async () => {
    const folder = tempFolder();
    cpSync(table('pandas.parquet'), join(folder, 'data/a.parquet'), { recursive: true });
    cpSync(MODEL, join(folder, 'data/model.onnx'));
    const job = writeJob(folder, {
      model: pinnedModel(MODEL),
      input: { uri: join(folder, 'data'), onBadFile: 'skip' },
      output: { uri: join(folder, 'out') },
    });
    const { code, stderr } = await prescore(['check', job]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/skipped .*model\.onnx: INPUT_FORMAT: file is an ONNX model/),
    ]);
  });
});

describe('folders whose files alone are not the table', () => {
  const LOGS: readonly (readonly [says: string, log: string, line: string])[] = [
    ['an Iceberg table', 'metadata/00000-a1.metadata.json', 'polars.scan_iceberg'],
    ['a Hudi table', '.hoodie/hoodie.properties', 'hudi.HudiTableBuilder'],
  ];

  it.each(LOGS)(
    '%s is refused by its folder, by a glob, by a partition and by its data folder',
    async (says, log, line) => {
      const folder = tempFolder();
      const lake = join(folder, 'lake');
      for (const place of ['a.parquet', 'day=1/a.parquet', 'data/a.parquet'])
        cpSync(table('duckdb.parquet'), join(lake, place), { recursive: true });
      const jobOver = (uri: string): string =>
        writeJob(folder, { model: pinnedModel(MODEL), input: { uri }, output: { uri: join(folder, 'out') } });
      const uris = ['lake', 'lake/*.parquet', 'lake/day=1/', 'lake/day=*/*.parquet', 'lake/data'].map((uri) =>
        join(folder, uri),
      );
      expect((await prescore(['check', jobOver(uris[1]!)])).code).toBe(0);
      mkdirSync(join(lake, log, '..'), { recursive: true });
      writeFileSync(join(lake, log), '{}');
      for (const uri of uris) {
        const { code, stderr } = await prescore(['check', jobOver(uri)]);
        expect(stderr).toMatch(/^INPUT_UNSUPPORTED: /);
        expect(stderr).toContain(`the folder is ${says}: its files alone also hold rows that were deleted or replaced`);
        expect(stderr).toContain(line);
        expect(code).toBe(4);
      }
      // Who names a file means that file.
      expect((await prescore(['check', jobOver(join(lake, 'a.parquet'))])).code).toBe(0);
      const drafted = await prescore(['init', MODEL, 'lake', '--out', 'new.yaml'], { cwd: folder });
      expect([drafted.code, readdirSync(folder).sort()]).toEqual([4, ['job.yaml', 'lake']]);
    },
    120_000,
  );

  it('on S3', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'lake');
    const { store, stores } = openBucket(address, bucket);
    await store.put('t/day=1/a.parquet', readFileSync(table('duckdb.parquet')));
    await store.put('t/.hoodie/hoodie.properties', Buffer.from('{}'));
    await stores.close();
    const folder = tempFolder();
    const main = { endpoint: address.endpoint, region: address.region, pathStyle: true };
    const job = writeJob(folder, {
      stores: { main },
      model: pinnedModel(MODEL),
      input: { uri: `s3://${bucket}/t/day=1/` },
      output: { uri: join(folder, 'out') },
    });
    const { code, stderr } = await prescore(['check', job]);
    expect([code, stderr]).toEqual([4, expect.stringContaining(`from_base_uri('s3://${bucket}/t')`)]);
  });
});
