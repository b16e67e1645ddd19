import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelFolder, pinnedModel } from '../harness/model-files.ts';
import { expectRefusal, leftIn, type Refusal } from '../harness/refusal.ts';
import { fixtures, tempFolder, writeJob } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

/** A job that feeds x [N, 3] and writes y; changed where a case says so. */
function sumJob(folder: string, model: string, changes: Readonly<Record<string, unknown>> = {}): string {
  return writeJob(folder, {
    model: pinnedModel(model),
    input: { uri: join(models, 'types.parquet') },
    features: { x: ['c0', 'c1', 'c2'] },
    outputs: { y: 'y' },
    id: ['id'],
    output: { uri: join(folder, 'out') },
    execution: { scorers: 1 },
    ...changes,
  });
}

/** `run` refuses the job, and nothing is in its output. */
async function refuses(refusal: Refusal, model: string, changes?: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = tempFolder();
  const result = await expectRefusal(['run', sumJob(folder, model, changes)], refusal);
  expect(leftIn(join(folder, 'out'))).toEqual([]);
  return result.stderr;
}

/** A model file of these bytes. */
function modelOf(bytes: Uint8Array | string): string {
  const path = join(tempFolder(), 'model.onnx');
  writeFileSync(path, bytes);
  return path;
}

const made = (name: string): string => join(models, `${name}.onnx`);
const MODEL = (says: RegExp, code = 'MODEL_INVALID'): Refusal => ({ exit: 5, code, says });

describe('files that are no usable model', () => {
  it('D79 a truncated model', async () => {
    const whole = readFileSync(join(fixtures, 'models/delay_mlp.onnx'));
    await refuses(MODEL(/damaged or cut short/), modelOf(whole.subarray(0, whole.length / 2)));
  });

  it('D80 an empty file, and a file that is not there', async () => {
    await refuses(MODEL(/zero bytes/), modelOf(''));
    const folder = tempFolder();
    const model = { uri: join(folder, 'none.onnx'), sha256: '0'.repeat(64) };
    const job = writeJob(folder, { model, input: { uri: join(models, 'types.parquet') }, output: { uri: join(folder, 'out') } });
    await expectRefusal(['run', job], MODEL(/no model/, 'MODEL_NOT_FOUND'));
  });

  it('D81 a web page, a Git LFS pointer, an ORT-format file', async () => {
    await refuses(MODEL(/web page/), modelOf('<!DOCTYPE html><html><body>404</body></html>'));
    await refuses(MODEL(/git lfs pull/), modelOf('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'));
    await refuses(MODEL(/ORT format/), modelOf(Buffer.from('\x1a\x0c\x00\x00ORTM\x00\x00\x00\x00\x00\x00', 'latin1')));
  });

  it('D82 a version that the runtime does not know: both numbers are named', async () => {
    await refuses(MODEL(/IR version of the model.*at most \d+; got 99/, 'MODEL_OPSET'), made('ir99'));
    await refuses(MODEL(/opset of ai\.onnx.*at most \d+; got 99/, 'MODEL_OPSET'), made('opset99'));
  });

  it('D83 operators of another domain; an operator that does not exist', async () => {
    await refuses(MODEL(/com\.example\.ops:Secret/, 'MODEL_CUSTOM_OP'), made('custom'));
    await refuses(MODEL(/NoSuchOperator/), made('no_op'));
  });

  it('D84 a model that is not the pinned one; D85 the pinned one with a flipped weight', async () => {
    const pin = pinnedModel(made('sum')).sha256;
    await refuses(MODEL(/another sha256/, 'MODEL_CHECKSUM'), made('sum'), { model: { uri: made('gather'), sha256: pin } });
    const bytes = readFileSync(join(fixtures, 'models/delay_mlp.onnx'));
    const { sha256 } = pinnedModel(join(fixtures, 'models/delay_mlp.onnx'));
    bytes[bytes.length >> 1]! ^= 1;
    const model = { uri: modelOf(bytes), sha256 };
    await refuses(MODEL(new RegExp(`expected ${sha256}; got`), 'MODEL_CHECKSUM'), made('sum'), { model });
  });

  it('an unpinned model: the sha256 to write down is named', async () => {
    const { sha256 } = pinnedModel(made('sum'));
    await refuses({ exit: 2, code: 'MODEL_UNPINNED', says: new RegExp(sha256) }, made('sum'), { model: { uri: made('sum') } });
  });
});

describe('models that do not fit the job', () => {
  const MISMATCH = (says: RegExp): Refusal => ({ exit: 5, code: 'SIGNATURE_MISMATCH', says, isTable: true });

  it('D87 a missing column: the table has both sides, all mismatches at once', async () => {
    const stderr = await refuses(MISMATCH(/no column "C1".*there is "c1"/), made('sum'), { features: { x: ['c0', 'C1', 'c2'], z: 'c0' } });
    expect(stderr).toContain('2 inputs of the model cannot be fed');
    expect(stderr).toMatch(/^model inputs\n {2}x: float32 \[batch, 3\]\ncolumns\n/m);
    expect(stderr).toMatch(/^ {2}c1: FLOAT$/m);
    expect(stderr).toContain('z: model wants no such input');
  });

  it.each([
    ['a text for a number', { x: ['c0', 'text', 'c2'] }, /"text" is VARCHAR: it cannot feed float32/],
    ['too few columns', { x: ['c0', 'c1'] }, /2 columns do not make \[batch, 3\]/],
    ['a list of another width', { x: ['list', 'c1', 'c2'] }, /list column "list" must be alone/],
    ['a constant of another size', { x: { value: [1, 2] } }, /2 values do not fill \[batch, 3\]/],
    ['constants only', { x: { value: 1 } }, /every row would get the same answer/],
  ])('D87 %s', async (_what, features, says) => {
    await refuses(MISMATCH(says), made('sum'), { features });
  });

  it('D87 an output that the model has not', async () => {
    await refuses(MODEL(/no output "Y".*one of y/, 'SIGNATURE_MISMATCH'), made('sum'), { outputs: { y: 'Y' } });
  });

  it('D88 an input of the model that the job leaves out; one that only the job has', async () => {
    await refuses(MISMATCH(/features: leaves it out/), made('odd_names'), { features: { constructor: 'c0' }, outputs: null });
    await refuses(MISMATCH(/no input of this name/), made('sum'), { features: { x: ['c0', 'c1', 'c2'], extra: 'c0' } });
  });

  it('D89 an output that is a sequence, an optional, or a list of maps', async () => {
    const OUTPUT = (says: RegExp): Refusal => MODEL(says, 'MODEL_OUTPUT_TYPE');
    await refuses(OUTPUT(/parts is a sequence/), made('sequences'), { outputs: { parts: 'parts' } });
    await refuses(OUTPUT(/maybe is a optional/), made('sequences'), { outputs: { maybe: 'maybe' } });
    const mixed = { uri: join(fixtures, 'mixed/month=01/part-0.parquet') };
    const changes = { input: mixed, features: undefined, outputs: { p: 'output_probability' }, id: ['flight_id'] };
    await refuses(OUTPUT(/a tensor \(output_label\).*zipmap/), join(fixtures, 'models/delay_mixed_zipmap.onnx'), changes);
  });

  it('D90 a fixed batch of no rows', async () => {
    await refuses(MODEL(/batches of exactly 0 rows/, 'MODEL_BATCH_AXIS'), made('fixed0'));
  });

  it.each([
    ['300 for int8', { value: 300 }, /300 is outside of int8 \(-128 to 127\)/],
    ['a fraction for int8', { value: 1.5 }, /int8 takes whole numbers/],
    ['a fill that does not fit', { columns: 'i8', nulls: { fill: -129 } }, /nulls\.fill: -129 is outside of int8/],
    ['NaN for nulls', { columns: 'i8', nulls: 'nan' }, /nan needs a float input/],
  ])('D91 %s', async (_what, i8, says) => {
    await refuses(MISMATCH(says), made('types'), { features: { i8 }, outputs: { y: 'i8_out' } });
  });

  it('a batch that is not the first axis; state; outputs whose rows are not the input\'s', async () => {
    await refuses(MODEL(/fixed first axis/, 'MODEL_BATCH_AXIS'), made('batch_second'));
    await refuses(MODEL(/output y has a fixed first axis/, 'MODEL_BATCH_AXIS'), made('transpose'));
    await refuses(MODEL(/looks like state/, 'MODEL_STATEFUL'), made('state'));
    await refuses(MODEL(/looks like state/, 'MODEL_STATEFUL'), made('state'), { features: { x: ['c0', 'c1', 'c2'], state: { value: 0 } } });
    await refuses({ ...MISMATCH(/every row would get the same answer/) }, made('no_inputs'), { features: undefined });
  });

  it('D94 a device that this build has not', async () => {
    const execution = { device: 'cuda' };
    await refuses(MODEL(/device cuda is not available.*expected cpu or auto/, 'PROVIDER_UNAVAILABLE'), made('sum'), { execution });
  });

  it('D97 session options of the runtime, in the job or in the model', async () => {
    const folder = tempFolder();
    const execution = { optimizedModelFilePath: join(folder, 'dump.onnx') };
    const refusal = { exit: 2, code: 'SPEC_INVALID', says: /optimizedModelFilePath/, isTable: true };
    await refuses(refusal, made('sum'), { execution });
  });
});
