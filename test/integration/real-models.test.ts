import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { readOutput, readParquet } from '../harness/read-parquet.ts';
import { sumJob } from '../harness/sum-job.ts';
import { FLIGHT_FEATURES, fixtures, tempFolder, writeJob } from '../harness/temp-job.ts';

/*
 * Trained models on real rows, against what Python's ONNX Runtime made of them: equal to the last bit.
 */
let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

type Row = Record<string, unknown>;

/** Runs a job over a fixture; gives the rows of its output. */
async function score(model: string, input: string, changes: Readonly<Record<string, unknown>>): Promise<Row[]> {
  const folder = tempFolder();
  const job = writeJob(folder, {
    model: pinnedModel(join(fixtures, model)),
    input: { uri: input },
    id: ['flight_id'],
    output: { uri: join(folder, 'out') },
    execution: { scorers: 1 },
    ...changes,
  });
  const result = await prescore(['run', job]);
  expect(result.stderr).not.toMatch(/^[A-Z_]+: /m);
  expect(result.code).toBe(0);
  return readOutput(join(folder, 'out'));
}

const mixed = join(fixtures, 'mixed/month=01/part-0.parquet');
const vectors = join(fixtures, 'vectors/vector256_8192.parquet');
const expectedOf = (name: string): Promise<Row[]> => readParquet(join(fixtures, `expected/${name}.parquet`));
const expectedOfModels = (): Record<string, unknown> => JSON.parse(readFileSync(join(models, 'expected.json'), 'utf8'));
const pick = (rows: readonly Row[], ...columns: string[]): unknown[][] => rows.map((row) => columns.map((c) => row[c]));

/** sha256 of a column as Python wrote it down: little-endian, rows in order. */
function digest(values: ArrayBufferView): string {
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
}

function digestsOf(model: string, month: string): Record<string, unknown> {
  const { models: all } = JSON.parse(readFileSync(join(fixtures, 'expected/flights-digests.json'), 'utf8'));
  return all[model][month];
}

const flights = (rows: readonly Row[]): Record<string, unknown> => ({
  rows: rows.length,
  label: digest(BigInt64Array.from(rows, (row) => row['prediction'] as bigint)),
  probability: digest(Float32Array.from(rows, (row) => row['probability'] as number)),
});

const FLIGHTS = {
  features: { input: { columns: FLIGHT_FEATURES } },
  outputs: { prediction: { tensor: 'label' }, probability: { tensor: 'probabilities', index: 1 } },
};

describe('models whose batch is open', () => {
  const input = join(fixtures, 'flights/month=02/part-0.parquet');

  it('a tree model in odd batches of 701 rows', async () => {
    const changes = { ...FLIGHTS, execution: { scorers: 2, batchRows: 701 } };
    expect(flights(await score('models/delay_histgb.onnx', input, changes))).toEqual(digestsOf('delay_histgb', '02'));
  });

  it('one that declares [1] for an output of [N]', async () => {
    const rows = await score('flights/delay_lgbm.onnx', input, FLIGHTS);
    expect(flights(rows)).toEqual(digestsOf('delay_lgbm', '02'));
  });

  it.each(['delay_mlp', 'delay_mlp_fp16_io32'])('%s: a list column, bound by name', async (name) => {
    const rows = await score(`models/${name}.onnx`, vectors, {});
    expect(pick(rows, 'flight_id', 'score')).toEqual(pick(await expectedOf(`${name}_8192`), 'flight_id', 'score'));
  });
});

// Null texts were empty ones when the model was trained.
const texts = ['carrier', 'origin', 'dest', 'manufacturer', 'engine'];
const numbers =
  'month dow hour dep_min distance origin_hour_load temp humid wind_speed precip pressure visib seats plane_year';
const MIXED = Object.fromEntries([
  ...texts.map((name) => [name, { columns: name, nulls: { fill: '' } }]),
  ...numbers.split(' ').map((name) => [name, name]),
]);

describe('text, integer and float inputs, one column each', () => {
  // Chunks that are decoded at once have dictionaries of their own.
  it.each([{ scorers: 1 }, { scorers: 2, chunkRows: 4096, batchRows: 64 }])(
    'a label and two probabilities as a list column, %o',
    async (execution) => {
      const rows = await score('models/delay_mixed.onnx', mixed, { features: MIXED, execution });
      const expected = await expectedOf('delay_mixed_01');
      expect(pick(rows, 'flight_id', 'label')).toEqual(pick(expected, 'flight_id', 'label'));
      expect(rows.map((row) => row['probabilities'])).toEqual(pick(expected, 'probabilities_0', 'probabilities_1'));
    },
  );

  it('a list of maps is the tensor that went into it, under the name that the file gives it', async () => {
    const table = await expectedOf('delay_mixed_01');
    const expected = pick(table, 'flight_id', 'label');
    const zipmap = 'models/delay_mixed_zipmap.onnx';
    const bound = await score(zipmap, mixed, { features: MIXED, outputs: { label: 'output_label' } });
    expect(pick(bound, 'flight_id', 'label')).toEqual(expected);
    const all = await score(zipmap, mixed, { features: MIXED });
    expect(all.map((row) => row['output_probability'])).toEqual(pick(table, 'probabilities_0', 'probabilities_1'));
    expect(pick(all, 'flight_id', 'output_label')).toEqual(expected);
  });
});

describe('D90 models with a fixed batch', () => {
  it('of 1,024 rows over 1,500: the last batch is padded', async () => {
    const rows = await score('models/delay_mlp_fixed1024.onnx', join(models, 'vectors.parquet'), {});
    expect(rows.map((row) => row['score'])).toEqual(expectedOfModels()['fixed1024']);
  });

  it.each(['fixed1', 'fixed32', 'sum', 'declared_one'])('%s over 1,037 rows', async (name) => {
    const folder = tempFolder();
    // What the job asks for gives way to what the model declares.
    const changes = { execution: { scorers: 1, batchRows: 100 } };
    const { code } = await prescore(['run', await sumJob(folder, join(models, `${name}.onnx`), changes)]);
    expect(code).toBe(0);
    const rows = await readOutput(join(folder, 'out'));
    expect(rows.map((row) => row['y'])).toEqual(expectedOfModels()['sum']);
  });
});

describe('operators', () => {
  it('a function that the model brings itself, in a domain of its own', async () => {
    const folder = tempFolder();
    const { code } = await prescore(['run', await sumJob(folder, join(models, 'own_function.onnx'))]);
    expect(code).toBe(0);
    const inputs = await readParquet(join(models, 'types.parquet'));
    const twice = inputs.map(({ c0, c1, c2 }) => [2 * Number(c0), 2 * Number(c1), 2 * Number(c2)]);
    expect((await readOutput(join(folder, 'out'))).map((row) => row['y'])).toEqual(twice);
  });
});
