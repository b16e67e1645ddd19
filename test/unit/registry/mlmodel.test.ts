import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Signature } from '../../../src/base/contract/signature.ts';
import { createStoreResolver } from '../../../src/cli/wiring/open-store.ts';
import { compareSignature } from '../../../src/registry/import/compare-signature.ts';
import { storeFolder } from '../../../src/registry/import/foreign-folder.ts';
import type { ForeignModel } from '../../../src/registry/import/foreign-model.ts';
import { parseMlflow } from '../../../src/registry/import/mlflow-source.ts';
import { takeMlmodelFolder } from '../../../src/registry/import/mlmodel-folder.ts';
import { mlmodelSignature } from '../../../src/registry/import/mlmodel-signature.ts';
import { fixtures, tempFolder } from '../../harness/temp-job.ts';

const trainer = (file: string): Uint8Array => gunzipSync(readFileSync(join(fixtures, 'trainers', `${file}.gz`)));

async function take(mlmodel: string, files: Readonly<Record<string, Uint8Array>>): Promise<ForeignModel> {
  const folder = join(tempFolder(), 'saved');
  mkdirSync(folder);
  writeFileSync(join(folder, 'MLmodel'), mlmodel);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return takeMlmodelFolder(storeFolder(createStoreResolver({}, { env: {} }).at(folder)), tempFolder());
}

it.each([
  ['lightgbm', 'data: model.lgb', 'model.lgb', 'lightgbm_binary.txt', 'model.txt'],
  // MLflow 2 named them so, whatever is in them.
  ['xgboost', 'data: model.xgb', 'model.xgb', 'xgboost_binary.json', 'model.json'],
  ['xgboost', 'model_class: xgboost.core.Booster', 'model.xgb', 'xgboost_binary.json', 'model.json'],
  ['catboost', 'data: model.cb', 'model.cb', 'catboost_binary_cbm.cbm', 'model.cbm'],
])('takes flavour %s (%s) under the name that its bytes have', async (flavour, line, file, fixture, main) => {
  const text = `flavors:\n  ${flavour}:\n    code: null\n    ${line}\n  python_function:\n    loader_module: mlflow.${flavour}\nrun_id: r1\nutc_time_created: '2026-11-30 22:21:19.554450'\n`;
  const taken = await take(text, { [file]: trainer(fixture), 'conda.yaml': Buffer.from('a: 1') });
  expect(taken).toMatchObject({ kind: flavour, main, declared: null });
  expect(taken.lineage).toMatchObject({
    trainedAt: '2026-11-30T22:21:19.554Z',
    source: { kind: 'mlmodel', runId: 'r1' },
  });
  expect(readdirSync(taken.folder)).toEqual([main]);
});

it.each([
  [
    'flavors:\n  sklearn:\n    pickled_model: model.pkl\n  python_function: {}\n',
    'models of flavour sklearn are not taken',
  ],
  ['flavors:\n  python_function:\n    loader_module: x\n', 'models of flavour python_function are not taken'],
  ['flavors:\n  pytorch: {}\n', 'torch.onnx.export'],
  ['flavors:\n  prophet: {}\n', 'models of flavour prophet are not taken'],
  ['flavors:\n  lightgbm:\n    data: ../../../etc/passwd\n', 'not below its folder'],
  ['flavors:\n  lightgbm:\n    data: /etc/passwd\n', 'not below its folder'],
  ['flavors:\n  lightgbm:\n    data: model.pkl\n', 'booster_.save_model("model.txt")'],
  ['flavors:\n  xgboost:\n    data: old.xgb\n', 'save_model("model.ubj")'],
  ['flavors:\n  onnx:\n    data: model.lgb\n', 'the file of flavour onnx is a model of lightgbm'],
  ['flavors:\n  onnx:\n    data: gone.onnx\n', 'is not there'],
  ['flavors: {}\n', 'names no flavour'],
  ['- a list\n', 'not what MLflow writes'],
  ['flavors: {onnx: {', 'cannot be read'],
])('refuses %j', async (text, says) => {
  const pickle = Buffer.from('\x80\x05\x95\x10\0\0\0\0\0\0\0\x8c\x08lightgbm.', 'latin1');
  const files = {
    'model.pkl': pickle,
    'old.xgb': Buffer.from('binf\0\0\0\0'),
    'model.lgb': trainer('lightgbm_binary.txt'),
  };
  await expect(take(text, files)).rejects.toMatchObject({
    code: 'IMPORT_REFUSED',
    message: expect.stringContaining(says),
  });
});

it.each([
  ['mlflow:models:/delay@champion', { name: 'delay', by: 'alias', alias: 'champion' }],
  ['mlflow:models:/delay/Production', { name: 'delay', by: 'stage', stage: 'Production' }],
  ['mlflow:models:/delay/staging', { name: 'delay', by: 'stage', stage: 'Staging' }],
  ['mlflow:models:/de lay/12', { name: 'de lay', by: 'version', version: '12' }],
])('reads %s', (text, source) => expect(parseMlflow(text)).toEqual(source));

it.each([
  'mlflow:models:/delay',
  'mlflow:models:/delay/latest',
  'mlflow:models:/delay/0',
  'mlflow:runs:/x/model',
  'mlflow:models:/@a',
  'mlflow:models:/a/b/c',
])('refuses %s', (text) => expect(() => parseMlflow(text)).toThrow('USAGE'));

const tensor = (
  name: string,
  type: 'float32' | 'float64' | 'string',
  dims: (number | null)[],
): Signature['inputs'][number] => ({
  name,
  type,
  declared: type,
  dims,
});
const GRAPH: Signature = { inputs: [tensor('x', 'float32', [null, 3])], outputs: [tensor('y', 'float32', [null, 1])] };
const columns = (...names: readonly string[]): string =>
  JSON.stringify(names.map((name) => ({ type: 'double', name, required: true })));
const tensors = (name: string | null, dtype: string, shape: readonly number[]): string =>
  JSON.stringify([{ ...(name === null ? {} : { name }), type: 'tensor', 'tensor-spec': { dtype, shape } }]);

it.each([
  ['the same', tensors('x', 'float32', [-1, 3]), null, []],
  ['without a name', tensors(null, 'float32', [-1, 3]), null, []],
  ['another type', tensors('x', 'float64', [-1, 3]), null, ['input x']],
  ['another length', tensors('x', 'float32', [-1, 4]), null, ['input x']],
  ['another rank', tensors('x', 'float32', [3]), null, ['input x']],
  ['another name', tensors('z', 'float32', [-1, 3]), null, ['input z', 'input x']],
  ['as many columns', columns('a', 'b', 'c'), ['a', 'b', 'c'], []],
  ['columns of a model without names', columns('a', 'b', 'c'), ['Column_0', 'Column_1', 'Column_2'], []],
  ['fewer columns', columns('a', 'b'), null, ['columns']],
  ['another order', columns('a', 'c', 'b'), ['a', 'b', 'c'], ['the order of the columns']],
  ['nothing that can be read', 'no JSON', null, []],
] as const)('a signature with %s', (_, inputs, names, what) => {
  const declared = mlmodelSignature(inputs, null);
  const found = declared === null ? [] : compareSignature(declared, GRAPH, names);
  expect(found.map((one) => one.what)).toEqual(what);
});

it('columns that are an input each are compared by name and type', () => {
  const graph = { ...GRAPH, inputs: [tensor('a', 'float64', [null, 1]), tensor('b', 'string', [null, 1])] };
  const found = compareSignature(mlmodelSignature(columns('a', 'b'), null)!, graph, null);
  expect(found).toEqual([{ what: 'input b', declared: 'double', found: 'b string[?, 1]' }]);
});
