import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FeatureSpec, OutputSpec } from '../../src/base/contract/job.ts';
import { bindFeatures } from '../../src/scoring/tensor/bind-features.ts';
import { bindOutputs } from '../../src/scoring/tensor/bind-outputs.ts';
import { failureOf } from '../harness/failure-of.ts';
import { modelFolder, openModel } from '../harness/model-files.ts';
import type { Refusal } from '../harness/refusal.ts';
import { refusesModel } from '../harness/sum-job.ts';

/*
 * One command line for each kind of refusal; the variants of a kind bind a real model in this process.
 */
let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const COLUMNS = new Map([
  ['c0', 'FLOAT'],
  ['c1', 'FLOAT'],
  ['c2', 'FLOAT'],
  ['i8', 'TINYINT'],
  ['text', 'VARCHAR'],
  ['list', 'FLOAT[]'],
  ['when', 'INTERVAL'],
]);

const made = (name: string): string => join(models, `${name}.onnx`);
const columns = (...names: string[]): FeatureSpec => ({ kind: 'columns', columns: names, nulls: null });
const value = (v: number | readonly number[]): FeatureSpec => ({ kind: 'value', value: v });
const X = columns('c0', 'c1', 'c2');

async function bindFault(name: string, features: Readonly<Record<string, FeatureSpec>> | null): Promise<string> {
  const { signature } = await openModel(made(name));
  return (await failureOf(() => bindFeatures(features, signature, COLUMNS, name))).message;
}

async function outputFault(name: string, outputs: Readonly<Record<string, OutputSpec>> | null): Promise<string> {
  const { signature } = await openModel(made(name));
  return (await failureOf(() => bindOutputs(outputs, signature, name))).message;
}

const output = (tensor: string, argmax = false): OutputSpec => ({ tensor, index: null, argmax, labels: null });
const mismatch = (says: RegExp): Refusal => ({ exit: 5, code: 'SIGNATURE_MISMATCH', says, isTable: true });

describe('D87 inputs and outputs that do not fit', () => {
  it('shows a table of both sides with all mismatches at once', async () => {
    const features = { x: ['c0', 'C1', 'c2'], z: 'c0' };
    const stderr = await refusesModel(mismatch(/2 inputs .*no column "C1" \(there is "c1"/), made('sum'), { features });
    expect(stderr).toMatch(/^model inputs\n {2}x: float32 \[batch, 3\]\ncolumns\n/m);
    expect(stderr).toMatch(/^ {2}c1: FLOAT$/m);
    expect(stderr).toContain('z: model wants no such input');
  });

  it.each<[string, FeatureSpec, RegExp]>([
    ['a text for a number', columns('c0', 'text', 'c2'), /"text" is VARCHAR: it cannot feed float32/],
    ['a type that is no feature', columns('c0', 'when', 'c2'), /"when" is INTERVAL/],
    ['too few columns', columns('c0', 'c1'), /2 columns do not make \[batch, 3\]/],
    ['a list among columns', columns('list', 'c1', 'c2'), /list column "list" must be alone/],
    ['a constant of another size', value([1, 2]), /2 values do not fill \[batch, 3\]/],
    ['constants only', value(1), /every row would get the same answer/],
  ])('%s', async (_what, x, says) => {
    expect(await bindFault('sum', { x })).toMatch(says);
  });

  it('outputs that the model has not, and argmax of texts', async () => {
    const says = /no output "Y".*expected one of y; got Y/;
    await refusesModel({ exit: 5, code: 'SIGNATURE_MISMATCH', says }, made('sum'), { outputs: { y: 'Y' } });
    expect(await outputFault('types', { t: output('text_out', true) })).toMatch(/argmax needs numbers/);
    expect(await outputFault('types', { t: output('words_out') })).toMatch(/texts has several values a row/);
  });

  it("takes tensors with names of JavaScript's own, and misses no input among them", async () => {
    expect(await bindFault('odd_names', {})).toMatch(/2 inputs .* constructor: the model needs it/);
    const { signature } = await openModel(made('odd_names'));
    const names = new Map(signature.inputs.map((input) => [input.name, 'FLOAT']));
    expect(bindFeatures(null, signature, names, '').inputs.map((input) => input.tensor)).toEqual([...names.keys()]);
    expect(bindOutputs(null, signature, '').map((o) => o.column)).toEqual(['toString', 'hasOwnProperty']);
  });
});

describe('D88 inputs on one side only', () => {
  it('an input that the job leaves out, and one that only the job has', async () => {
    expect(await bindFault('types', { i8: columns('i8') })).toMatch(/18 inputs .*features: leaves it out/);
    const features = { x: ['c0', 'c1', 'c2'], extra: 'c0' };
    await refusesModel(mismatch(/extra: the model has no input of this name/), made('sum'), { features });
  });
});

describe('D89 outputs that are no tensors', () => {
  it('a sequence and an optional', async () => {
    expect(await outputFault('sequences', { p: output('parts') })).toMatch(/^MODEL_OUTPUT_TYPE: .*sequence/);
    expect(await outputFault('sequences', { p: output('maybe') })).toMatch(/^MODEL_OUTPUT_TYPE: .*optional/);
  });
});

describe('D90 batches that cannot be', () => {
  it('a fixed batch of no rows, and one that is too large to pack', async () => {
    expect(await bindFault('fixed0', { x: X })).toMatch(/^MODEL_BATCH_AXIS: .*exactly 0 rows/);
    const says = /batches of exactly 2000000000 rows.*at most 64 MiB/;
    await refusesModel({ exit: 5, code: 'MODEL_BATCH_AXIS', says }, made('fixed_huge'));
  });

  it('a batch that is not the first axis, of an input or an output', async () => {
    const says = /output y has a fixed first axis.*got \[3, \?\]/;
    await refusesModel({ exit: 5, code: 'MODEL_BATCH_AXIS', says }, made('transpose'));
    expect(await bindFault('batch_second', { x: X })).toMatch(/^MODEL_BATCH_AXIS: input x has a fixed first axis/);
  });

  it('state that goes from call to call, whether the job feeds it or not', async () => {
    const says = /input state \[2, \?, 3\] looks like state/;
    await refusesModel({ exit: 5, code: 'MODEL_STATEFUL', says }, made('state'));
    expect(await bindFault('state', { x: X, state: value(0) })).toMatch(/^MODEL_STATEFUL/);
  });

  it('a model without inputs', async () => {
    expect(await bindFault('no_inputs', null)).toMatch(/^SIGNATURE_MISMATCH.*every row would get the same answer/);
  });
});

describe('D91 constants and fills that a tensor cannot hold', () => {
  it.each<[string, FeatureSpec, RegExp]>([
    ['300 for int8', value(300), /300 is outside of int8 \(-128 to 127\)/],
    ['a fraction for int8', value(1.5), /int8 takes whole numbers/],
    ['a text for int8', { kind: 'value', value: 'one' }, /the value cannot be int8/],
    ['a fill', { kind: 'columns', columns: ['i8'], nulls: { fill: -129 } }, /nulls\.fill: -129 is outside of int8/],
    ['NaN', { kind: 'columns', columns: ['i8'], nulls: 'nan' }, /nan needs a float input/],
  ])('%s', async (_what, i8, says) => {
    expect(await bindFault('types', { i8 })).toMatch(says);
  });

  it('65,520 for float16', async () => {
    const { signature } = await openModel(made('types'));
    const { details } = await failureOf(() => bindFeatures({ half: value(65520) }, signature, COLUMNS, ''));
    expect(details.detail).toMatch(/half: .*65520 is too large for float16/);
  });
});

describe('D94, D97 what a job may not ask for', () => {
  it('D94 a device that this machine has not', async () => {
    // Without the provider its file is what is missing; with it, libraries of CUDA or the driver.
    const says = /cuda:0 is not available: .*\.so.*prescore gpu status says what is missing/;
    const refusal = { exit: 5, code: 'PROVIDER_UNAVAILABLE', says };
    await refusesModel(refusal, made('sum'), { execution: { device: 'cuda' } });
  });

  it('D97 session options of the runtime', async () => {
    const execution = { optimizedModelFilePath: 'dump.onnx' };
    const refusal = { exit: 2, code: 'SPEC_INVALID', says: /optimizedModelFilePath/, isTable: true };
    await refusesModel(refusal, made('sum'), { execution });
  });
});
