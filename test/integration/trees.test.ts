import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import type { ModelSession } from '../../src/model/elements/model-session.ts';
import { seeded } from '../../src/model/elements/seeded.ts';
import { checkRows } from '../../src/model/engine/check-rows.ts';
import { isSame, openModel } from '../../src/model/engine/open-model.ts';
import { splitTrees } from '../../src/model/engine/split-trees.ts';
import { readOnnxFile } from '../../src/model/onnx/onnx-file.ts';
import { openOnnx } from '../harness/open-onnx.ts';

const MODELS = [
  ...readdirSync('fixtures/trees').map((name) => `fixtures/trees/${name}`),
  ...['forest', 'lightgbm', 'catboost', 'named'].map((name) => `fixtures/first-contact/models/${name}.onnx`),
  'fixtures/models/delay_histgb.onnx',
  'fixtures/flights/delay_lgbm.onnx',
].filter((path) => path.endsWith('.onnx'));

/** Models of several tree operators stay whole. */
const LEFT = new Map([
  ['ada.onnx', 'it has 3 tree operators'],
  ['isolation.onnx', 'it has 4 tree operators'],
]);

/** Rows for every input: on and around the thresholds where the trees take it as it is, else random. */
function feedsOf(path: string, session: ModelSession): Map<string, TensorValue> {
  const parts = splitTrees(new Uint8Array(readFileSync(path)));
  const random = seeded(9);
  const [first] = session.signature.inputs;
  if (typeof parts !== 'string' && parts.before === null && first!.name === parts.input) {
    const width = first!.dims[1] ?? parts.trees.ensemble.features;
    const data = checkRows({ ...parts.trees.ensemble, features: width }, width);
    return new Map([[parts.input, { type: 'float32', dims: [data.length / width, width], data }]]);
  }
  const count = 300;
  const words = ['Berlin', 'Paris', 'Rome', 'Oslo', ''];
  return new Map(
    session.signature.inputs.map(({ name, type, dims }): [string, TensorValue] => {
      const width = dims[1] ?? 1;
      const length = count * width;
      if (type === 'string') {
        const data = Array.from({ length }, () => words[Math.floor(random() * words.length)]!);
        return [name, { type, dims: [count, width], data }];
      }
      return [
        name,
        { type: 'float32', dims: [count, width], data: Float32Array.from({ length }, () => random() * 6 - 3) },
      ];
    }),
  );
}

describe('trees are scored as ONNX Runtime scores them, bit for bit', () => {
  test.each(MODELS.map((path) => [basename(path), path]))('%s', async (name, path) => {
    const ours = await openOnnx(path, 'always');
    const theirs = await openOnnx(path, 'onnxruntime');
    const why = LEFT.get(name!);
    if (why !== undefined) {
      expect(ours.choice).toEqual({ engine: 'onnxruntime', why });
      return;
    }
    expect(ours.choice).toMatchObject({ engine: 'trees' });
    const { explains: _, ...signature } = ours.session.signature;
    expect(signature).toEqual(theirs.session.signature);
    const feeds = feedsOf(path!, theirs.session);
    const fetches = theirs.session.signature.outputs.filter((o) => o.type !== null).map((o) => o.name);
    const expected = await theirs.session.run(feeds, fetches);
    const found = await ours.session.run(feeds, fetches);
    for (const fetch of fetches) expect(isSame(expected.get(fetch)!, found.get(fetch)!), fetch).toBe(true);
    await Promise.all([ours.session.close(), theirs.session.close()]);
  });
});

test('one output alone, and one row alone', async () => {
  const path = 'fixtures/trees/boosting_four.onnx';
  const [ours, theirs] = [await openOnnx(path, 'always'), await openOnnx(path, 'onnxruntime')];
  const data = Float32Array.from([0.1, -1, 2, 3, 0.5, Number.NaN]);
  const feeds = new Map([[ours.session.signature.inputs[0]!.name, { type: 'float32' as const, dims: [1, 6], data }]]);
  for (const { name } of theirs.session.signature.outputs.filter((o) => o.type !== null)) {
    const expected = await theirs.session.run(feeds, [name]);
    expect(isSame(expected.get(name)!, (await ours.session.run(feeds, [name])).get(name)!)).toBe(true);
  }
});

test('rows that are too short for the trees are an error, not what lies beside them', async () => {
  const { session } = await openOnnx('fixtures/trees/forest_value.onnx', 'always');
  const rows = { type: 'float32' as const, dims: [2, 3], data: new Float32Array(6) };
  const { name } = session.signature.inputs[0]!;
  await expect(session.run(new Map([[name, rows]]), [session.signature.outputs[0]!.name])).rejects.toThrow('features');
});

test('a model whose bytes are changed is refused, left to ONNX Runtime, or answered as it answers', async () => {
  const whole = readFileSync('fixtures/trees/light_two.onnx');
  const random = seeded(4);
  for (let i = 0; i < 150; i++) {
    const bytes = new Uint8Array(whole);
    const at = Math.floor(random() * bytes.length);
    bytes[at] = Math.floor(random() * 256);
    const cut = i % 3 === 0 ? bytes.slice(0, at) : bytes;
    try {
      const file = readOnnxFile(cut, 'changed');
      const { session } = await openModel(cut, file, { intraOpThreads: 1, device: 'cpu', trees: 'always' }, 'changed');
      await session.close();
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^MODEL_/) });
    }
  }
});
