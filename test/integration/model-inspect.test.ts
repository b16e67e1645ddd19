import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, expect, inject, test } from 'vitest';
import type { InspectedModel } from '../../src/scoring/bench/bench-messages.ts';
import { prescore } from '../harness/cli.ts';
import { modelFolder } from '../harness/model-files.ts';
import { adminClient, makeBucket, useCredentials } from '../harness/s3-test-store.ts';
import { fixtures, sha256Of, tempFolder } from '../harness/temp-job.ts';

type Shown = Omit<InspectedModel, 'refusal'> & {
  readonly refusal: { readonly code: string; readonly fix: string } | null;
};

async function inspect(model: string): Promise<Shown & { readonly code: number | null }> {
  const { code, stdout, stderr } = await prescore(['model', 'inspect', model, '--json'], { timeoutMs: 120_000 });
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Shown), code };
}

let made = '';
beforeAll(async () => {
  made = await modelFolder();
}, 300_000);

test('a network: operators, shapes, parameters, memory, the batch of a run', async () => {
  const path = join(fixtures, 'models/delay_mlp.onnx');
  const { code, about, bytes, sha256, loaded } = await inspect(path);
  expect(code).toBe(0);
  expect({ bytes, sha256 }).toEqual({ bytes: readFileSync(path).length, sha256: sha256Of(path) });
  expect(about).toMatchObject({
    format: 'ONNX',
    producer: 'make_models',
    irVersion: 8,
    opsets: { 'ai.onnx': 17 },
    operators: [
      { domain: 'ai.onnx', name: 'Gemm', count: 3 },
      { domain: 'ai.onnx', name: 'Relu', count: 2 },
      { domain: 'ai.onnx', name: 'Sigmoid', count: 1 },
    ],
    inputs: [{ name: 'features', type: 'float32', shape: ['batch', 256] }],
    outputs: [{ name: 'score', type: 'float32', shape: ['batch', 1] }],
    // 256 -> 512 -> 256 -> 1, each with its bias.
    parameters: 257 * 512 + 513 * 256 + 257,
    trees: null,
    classes: null,
  });
  expect(loaded!.engine).toEqual({ name: 'onnxruntime', why: 'it has no tree operator' });
  // Its weights at least, and no more than a few times the file.
  expect(loaded!.memory.loadedBytes).toBeGreaterThan(1_000_000);
  expect(loaded!.memory.loadedBytes).toBeLessThan(12_000_000);
  expect(loaded!.memory.peakBytes).toBeGreaterThanOrEqual(loaded!.memory.loadedBytes);
  expect(loaded!.batch).toMatchObject({ rows: 4096, feedBytes: 1024, refused: null });
  // Feeds of 1 KiB a row, and the values of two layers.
  expect(loaded!.batch!.rowBytes).toBeGreaterThan(1500);
  expect(loaded!.batch!.rowBytes).toBeLessThan(40_000);
}, 120_000);

test('trees: how many, who evaluates them and how much faster; for people in one table', async () => {
  const { about, loaded } = await inspect(join(fixtures, 'flights/delay_lgbm.onnx'));
  expect(about.trees).toEqual({ trees: 300, nodes: 37_500, leaves: 18_900 });
  expect(about.classes).toEqual([0, 1]);
  expect(loaded!.engine).toMatchObject({ name: 'trees', checkedRows: 1512 });
  expect((loaded!.engine as { speedup: number }).speedup).toBeGreaterThan(1);
  const { stdout, code } = await prescore(['model', 'inspect', join(fixtures, 'flights/delay_lgbm.onnx')]);
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => /^\S*/.exec(line)![0])).toEqual(
    'model format producer operators inputs outputs  classes trees parameters sha256 size engine batch exactness '.split(
      ' ',
    ),
  );
  expect(stdout).toMatch(
    /^engine {6}prescore's trees, \d+\.\d times as fast as ONNX Runtime, the same bits on 1,512 rows$/m,
  );
}, 120_000);

test.each([
  ['lightgbm_binary.txt', 'LightGBM', 'binary', 8, 72],
  ['xgboost_softmax.ubj', 'XGBoost', 'multi:softmax', 12, 93],
  ['catboost_binary_cbm.cbm', 'CatBoost', null, 20, null],
])(
  "a trainer's own file: %s",
  async (name, format, objective, trees, leaves) => {
    const path = join(tempFolder(), name);
    writeFileSync(path, gunzipSync(readFileSync(join(fixtures, 'trainers', `${name}.gz`))));
    const { code, about, loaded } = await inspect(path);
    expect(code).toBe(0);
    expect(about).toMatchObject({ format, irVersion: null, operators: [] });
    if (objective !== null) expect(about.objective).toBe(objective);
    expect(about.trees!.trees).toBeGreaterThan(0);
    if (leaves !== null) expect(about.trees).toMatchObject({ trees, leaves });
    expect(about.inputs.length).toBeGreaterThan(0);
    expect(loaded!.engine).toMatchObject({ name: 'trees', speedup: null });
  },
  120_000,
);

test('fixed batches, texts and classes of texts', async () => {
  const fixed = await inspect(join(fixtures, 'models/delay_mlp_fixed1024.onnx'));
  expect(fixed.loaded!.batch).toMatchObject({ rows: 1024, refused: null });
  const mixed = await inspect(join(fixtures, 'models/delay_mixed.onnx'));
  expect(mixed.about.inputs[0]).toEqual({ name: 'carrier', type: 'string', shape: [null, 1] });
  expect(mixed.loaded!.batch).toMatchObject({ rows: 4096, refused: null });
  const dynamic = await inspect(join(fixtures, 'models/delay_mlp_int8dyn.onnx'));
  expect(dynamic.loaded!.dynamicQuantization).toBe(true);
}, 120_000);

// What is known of it is told, then why no run takes it, with the exit code of the refusal.
test.each([
  ['custom.onnx', 'MODEL_CUSTOM_OP', 'ONNX', 5],
  ['state.onnx', 'MODEL_STATEFUL', 'ONNX', 5],
  ['in_training.onnx', 'MODEL_STATEFUL', 'ONNX', 5],
  ['batch_second.onnx', 'MODEL_BATCH_AXIS', 'ONNX', 5],
  ['fixed_huge.onnx', 'MODEL_BATCH_AXIS', 'ONNX', 5],
  ['fixed0.onnx', 'MODEL_BATCH_AXIS', 'ONNX', 5],
  ['no_inputs.onnx', 'SIGNATURE_MISMATCH', 'ONNX', 5],
  ['ir99.onnx', 'MODEL_OPSET', 'ONNX', 5],
  ['types.parquet', 'MODEL_INVALID', 'a Parquet table', 5],
])(
  'refused: %s',
  async (name, code, format, exit) => {
    const found = await inspect(join(made, name));
    expect(found).toMatchObject({ code: exit, refusal: { code }, about: { format } });
    if (format === 'ONNX') expect(found.about.operators.length).toBeGreaterThan(0);
    const { stdout } = await prescore(['model', 'inspect', join(made, name)]);
    expect(stdout).toContain(`refused`);
    expect(stdout).toContain(`${code}: `);
    expect(stdout).toContain(`-> ${found.refusal!.fix}`);
  },
  120_000,
);

test('nothing there, a folder, a text that a name may not break', async () => {
  const folder = tempFolder();
  expect(await inspect(join(folder, 'none.onnx'))).toMatchObject({
    code: 5,
    about: null,
    refusal: { code: 'MODEL_NOT_FOUND' },
  });
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'models/a.onnx'), readFileSync(join(made, 'sum.onnx')));
  expect((await inspect(join(folder, 'models'))).refusal!.fix).toContain('models/a.onnx');
  expect((await prescore(['model', 'inspect', 'x', '--endpoint', 'nonsense'])).code).toBe(2);
}, 120_000);

test('a model that never ends a batch is told as far as it is known', async () => {
  const { stdout, code } = await prescore(['model', 'inspect', join(made, 'loop.onnx')], { timeoutMs: 150_000 });
  expect(code).toBe(5);
  expect(stdout).toMatch(/^operators /m);
  expect(stdout).toMatch(/^size .* in memory/m);
  expect(stdout).toContain('SCORER_DEADLINE');
}, 160_000);

test('a model in S3', async () => {
  const address = inject('s3');
  useCredentials(address);
  const bucket = await makeBucket(address, 'inspect');
  const client = adminClient(address);
  const path = join(made, 'sum.onnx');
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'sum.onnx', Body: readFileSync(path) }));
  client.destroy();
  const args = ['model', 'inspect', `s3://${bucket}/sum.onnx`, '--json', '--endpoint', address.endpoint];
  const { code, stdout } = await prescore(args, { env: { PRESCORE_S3_REGION: address.region } });
  expect({ code, sha256: (JSON.parse(stdout) as Shown).sha256 }).toEqual({ code: 0, sha256: sha256Of(path) });
}, 120_000);
