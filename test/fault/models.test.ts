import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectModel } from '../../src/model/onnx/inspect-model.ts';
import { failureOf } from '../harness/failure-of.ts';
import { modelFolder, openModel, outsideDigest, outsideModel, pinnedModel } from '../harness/model-files.ts';
import type { Refusal } from '../harness/refusal.ts';
import { refusesModel } from '../harness/sum-job.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

/** A model file of these bytes. */
function modelOf(bytes: Uint8Array | string): string {
  const path = join(tempFolder(), 'model.onnx');
  writeFileSync(path, bytes);
  return path;
}

const made = (name: string): string => join(models, `${name}.onnx`);
const model = (says: RegExp, code = 'MODEL_INVALID'): Refusal => ({ exit: 5, code, says });

describe('files that are no usable model', () => {
  it('D79 a truncated model', async () => {
    const whole = readFileSync(join(fixtures, 'models/delay_mlp.onnx'));
    await refusesModel(model(/damaged or cut short/), modelOf(whole.subarray(0, whole.length / 2)));
    // Cut at every byte, a small one is refused too, or is still a whole graph that ONNX Runtime can judge.
    const small = readFileSync(made('sum'));
    for (let length = 1; length < small.length; length++) {
      const fault = await failureOf(() => openModel(modelOf(small.subarray(0, length))));
      expect(['MODEL_INVALID', 'MODEL_OPSET']).toContain(fault.code);
    }
  });

  it('D80 an empty file', async () => {
    await refusesModel(model(/zero bytes/), modelOf(''));
  });

  it('D80 a file that is not there, and a folder', async () => {
    for (const uri of [join(tempFolder(), 'none.onnx'), tempFolder()]) {
      const refusal = model(/no model/, 'MODEL_NOT_FOUND');
      await refusesModel(refusal, made('sum'), { model: { uri, sha256: '0'.repeat(64) } });
    }
  });

  it('D81 a web page; a Git LFS pointer; a file in ORT format', async () => {
    await refusesModel(model(/web page/), modelOf('<!DOCTYPE html><html><body>404</body></html>'));
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n';
    expect((await failureOf(() => openModel(modelOf(pointer)))).message).toMatch(/^MODEL_INVALID.*git lfs pull/);
    // ONNX Runtime would take it for its own format, whatever else it may be.
    const both = Buffer.from('\x12\x06\x00\x00ORTM', 'latin1');
    expect((await failureOf(() => openModel(modelOf(both)))).message).toMatch(/^MODEL_INVALID.*ORT format/);
  });

  it('D82 a version that the runtime does not know: both numbers are named', async () => {
    await refusesModel(model(/IR version of the model.*at most \d+; got 99/, 'MODEL_OPSET'), made('ir99'));
    const fault = await failureOf(() => openModel(made('opset99')));
    expect(fault.message).toMatch(/^MODEL_OPSET: the opset of ai\.onnx.*at most \d+; got 99/);
  });

  it('D83 operators of another domain; an operator that does not exist', async () => {
    await refusesModel(model(/com\.example\.ops:Secret/, 'MODEL_CUSTOM_OP'), made('custom'));
    expect((await failureOf(() => openModel(made('no_op')))).message).toMatch(/^MODEL_INVALID.*NoSuchOperator/);
  });

  it('D84 a model that is not the pinned one', async () => {
    const { sha256 } = pinnedModel(made('sum'));
    const changes = { model: { uri: made('gather'), sha256 } };
    await refusesModel(model(/another sha256/, 'MODEL_CHECKSUM'), made('sum'), changes);
  });

  it('D85 the pinned model with one flipped bit', async () => {
    const path = join(fixtures, 'models/delay_mlp.onnx');
    const { sha256 } = pinnedModel(path);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    const refusal = model(new RegExp(`expected ${sha256}; got`), 'MODEL_CHECKSUM');
    await refusesModel(refusal, made('sum'), { model: { uri: modelOf(bytes), sha256 } });
  });

  it('D84 a model without a pin: the sha256 to write down is named', async () => {
    const { uri, sha256 } = pinnedModel(made('sum'));
    const refusal = { exit: 2, code: 'MODEL_UNPINNED', says: new RegExp(sha256) };
    await refusesModel(refusal, made('sum'), { model: { uri } });
  });
});

describe('D86 weights in other files', () => {
  const nowhere = model(/weights in a file that is not beside it: weights\.bin/, 'MODEL_EXTERNAL_DATA');

  it('are seen wherever they hide: initializers, attributes, subgraphs, sparse tensors, functions and their presets', () => {
    const files = readdirSync(models).filter((name) => name.startsWith('external_'));
    expect(files).toHaveLength(11);
    for (const name of files) {
      const code = name === 'external_hidden.onnx' ? 'MODEL_INVALID' : 'MODEL_EXTERNAL_DATA';
      expect(() => inspectModel(readFileSync(join(models, name)), name, null)).toThrow(new RegExp(`^${code}: `));
    }
  });

  it.each(['parent', 'middle', 'absolute', 'memory'])(
    'are refused where they are not beside the model: %s',
    async (place) => {
      const says = /tensor w keeps its data in a place that is not beside the model.*relative path/;
      await refusesModel(model(says, 'MODEL_EXTERNAL_DATA'), made(`external_${place}`));
    },
  );

  it('are refused when they are missing, before anything is written', async () => {
    await refusesModel(nowhere, made('external_beside'));
  });

  it('are refused behind a tag that ONNX Runtime reads as another one', async () => {
    await refusesModel(model(/field number of more than 29 bits/), made('external_hidden'));
  });

  it('are part of what is pinned', async () => {
    const path = await outsideModel(tempFolder());
    const pinned = { uri: path, sha256: await outsideDigest(path) };
    writeFileSync(join(dirname(path), 'weights.bin'), new Float32Array([1, 2, 4]));
    await refusesModel(model(/another sha256/, 'MODEL_CHECKSUM'), path, { model: pinned });
  });
});
