import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createStoreResolver } from '../../../src/cli/wiring/open-store.ts';
import { type ForeignFolder, storeFolder } from '../../../src/registry/import/foreign-folder.ts';
import { readTritonConfig, tritonSignature } from '../../../src/registry/import/triton-config.ts';
import { openTriton, takeTriton } from '../../../src/registry/import/triton-folder.ts';
import { fixtures, tempFolder } from '../../harness/temp-job.ts';

const NET = join(fixtures, 'models/delay_histgb.onnx');

/** A model of a Triton repository: its configuration, and for each version the path of its graph. */
function repository(config: string | null, versions: Readonly<Record<string, string>>): ForeignFolder {
  const folder = join(tempFolder(), 'delay');
  for (const [version, path] of Object.entries(versions)) {
    const target = join(folder, version, path);
    mkdirSync(join(target, '..'), { recursive: true });
    copyFileSync(NET, target);
  }
  if (config !== null) writeFileSync(join(folder, 'config.pbtxt'), config);
  return storeFolder(createStoreResolver({}, { env: {} }).at(folder));
}

it('takes all versions, lowest first, and names the model as the configuration does', async () => {
  const from = repository('name: "delays" platform: "onnxruntime_onnx"', { '10': 'model.onnx', '9': 'model.onnx' });
  const model = await openTriton(from, null);
  expect(model.versions).toEqual([9, 10]);
  const folder = tempFolder();
  const taken = await takeTriton(model, 10, folder);
  expect(taken).toMatchObject({ name: 'delays', main: 'model.onnx', kind: 'onnx', declared: null });
  expect(taken.lineage.source).toEqual({ kind: 'triton', uri: from.where, runId: null, version: '10' });
  expect(readdirSync(folder)).toEqual(['model.onnx']);
  expect((await openTriton(from, 9)).versions).toEqual([9]);
  await expect(openTriton(from, 7)).rejects.toThrow('there is no version 7');
});

it.each(['net.onnx', 'model.onnx/model.onnx'])('finds the graph at %s', async (path) => {
  const config = path === 'net.onnx' ? 'default_model_filename: "net.onnx"' : null;
  const taken = await takeTriton(await openTriton(repository(config, { '1': path }), null), 1, tempFolder());
  expect(taken).toMatchObject({ name: 'delay', main: 'model.onnx' });
});

it.each([
  ['backend: "python"', 'models of backend python are not taken'],
  ['platform: "tensorrt_plan"', 'models of backend tensorrt_plan are not taken'],
  ['backend: "fil"', 'prescore models add NAME'],
  ['platform: "ensemble" ensemble_scheduling { }', 'ensemble'],
  ['default_model_filename: "../../secret"', 'not below its folder'],
  ['name: "a', 'a sign that text format does not have'],
])('refuses %s', async (config, says) => {
  const open = async (): Promise<unknown> => {
    const model = await openTriton(repository(config, { '1': 'model.onnx' }), null);
    return takeTriton(model, 1, tempFolder());
  };
  await expect(open()).rejects.toMatchObject({ code: 'IMPORT_REFUSED', message: expect.stringContaining(says) });
});

it('names the models of a repository that was named itself', async () => {
  const folder = tempFolder();
  for (const name of ['a', 'b']) mkdirSync(join(folder, name, '1'), { recursive: true });
  for (const name of ['a', 'b']) copyFileSync(NET, join(folder, name, '1', 'model.onnx'));
  const from = storeFolder(createStoreResolver({}, { env: {} }).at(folder));
  await expect(openTriton(from, null)).rejects.toThrow('Name one: a, b.');
});

it('puts the batch axis before the shapes where there is one', () => {
  const text = (size: number): string =>
    `max_batch_size: ${size} input [{ name: "x" data_type: TYPE_FP32 dims: [-1, 4] }] output { name: "y" data_type: TYPE_INT64 dims: 1 reshape { shape: [] } }`;
  const of = (size: number): unknown => tritonSignature(readTritonConfig(text(size), 'config.pbtxt'));
  const input = { name: 'x', type: 'float32', declared: 'TYPE_FP32' };
  const output = { name: 'y', type: 'int64', declared: 'TYPE_INT64' };
  expect(of(0)).toMatchObject({ inputs: [{ ...input, dims: [null, 4] }], outputs: [{ ...output, dims: [] }] });
  expect(of(8)).toMatchObject({
    inputs: [{ ...input, dims: [null, null, 4] }],
    outputs: [{ ...output, dims: [] }],
  });
});
