import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import type { ModelSession } from '../../src/model/elements/model-session.ts';
import { seeded } from '../../src/model/elements/seeded.ts';
import { loadModel } from '../../src/model/engine/load-model.ts';
import { isSame } from '../../src/model/engine/open-model.ts';
import { TreeTwin } from '../../src/model/engine/tree-twin.ts';
import { twinOf } from '../../src/model/engine/twin-check.ts';
import { openOnnx } from '../harness/open-onnx.ts';
import { trainerCase, trainerCases } from '../harness/trainer-cases.ts';

/** Rows of random values of all sizes, some of them missing; texts that are no category. */
function randomFeeds({ signature }: ModelSession, count: number): Map<string, TensorValue> {
  const random = seeded(11);
  const value = (): number => (random() < 0.1 ? Number.NaN : (random() - 0.5) * 10 ** (random() * 5 - 1));
  return new Map(
    signature.inputs.map(({ name, type, dims }): [string, TensorValue] => {
      const length = count * (dims[1] ?? 1);
      const shape = [count, dims[1] ?? 1];
      if (type === 'string') return [name, { type, dims: shape, data: Array.from({ length }, () => 'a') }];
      const data = type === 'float64' ? new Float64Array(length) : new Float32Array(length);
      return [name, { type: type!, dims: shape, data: data.map(value) }];
    }),
  );
}

/** The answers of a copy of a twin that went through JSON, beside those of the session; how many rows are left to it. */
async function compare(session: ModelSession, fetches: readonly string[]): Promise<number> {
  const parts = await twinOf(session);
  if (parts === null) throw new TypeError('no twin');
  const twin = new TreeTwin({ ...structuredClone(parts), facts: JSON.parse(JSON.stringify(parts.facts)) });
  const feeds = randomFeeds(session, 2000);
  const expected = await session.run(feeds, fetches);
  let unsure = 0;
  for (const size of [1, 3, 100]) {
    for (let from = 0; from + size <= 2000; from += size) {
      const rowsOf = ({ type, dims, data }: TensorValue): TensorValue => {
        const width = dims.slice(1).reduce((product, d) => product * d, 1);
        const part = Array.prototype.slice.call(data, from * width, (from + size) * width) as never;
        const Kind = data.constructor as typeof Float32Array;
        return {
          type,
          dims: [size, ...dims.slice(1)],
          data: Array.isArray(data) ? part : new Kind(part),
        };
      };
      const made = twin.score(new Map([...feeds].map(([name, feed]) => [name, rowsOf(feed)])), fetches);
      if (made === null) unsure += size;
      else for (const name of fetches) expect(isSame(made.get(name)!, rowsOf(expected.get(name)!))).toBe(true);
    }
  }
  return unsure;
}

const MODELS = [
  ...readdirSync('fixtures/trees').map((name) => `fixtures/trees/${name}`),
  'fixtures/models/delay_histgb.onnx',
  'fixtures/flights/delay_lgbm.onnx',
].filter((path) => path.endsWith('.onnx'));

describe('trees of ONNX files, scored without ONNX Runtime, have the bits of their session', () => {
  test.each(MODELS.map((path) => [basename(path), path]))('%s', async (_, path) => {
    const { session, choice } = await openOnnx(path, 'always');
    const parts = await twinOf(session);
    if (choice.engine === 'onnxruntime' || parts === null || parts.facts.kind !== 'onnx') {
      expect(parts).toBeNull();
      return;
    }
    expect(
      await compare(
        session,
        parts.facts.outputs.map(({ name }) => name),
      ),
    ).toBeLessThan(100);
  });

  test('most of them have a twin; what has work before its trees has none', async () => {
    const has = async (path: string): Promise<boolean> =>
      (await twinOf((await openOnnx(path, 'always')).session)) !== null;
    expect(await has('fixtures/models/delay_histgb.onnx')).toBe(true);
    expect(await has('fixtures/flights/delay_lgbm.onnx')).toBe(true);
    expect(await has('fixtures/trees/light_ova.onnx')).toBe(true);
    expect(await has('fixtures/trees/scaled_forest.onnx')).toBe(false);
    expect(await has('fixtures/models/delay_mlp.onnx')).toBe(false);
  });
});

const CASES = trainerCases('').filter(({ name }) => !/linear|refused/.test(name));

test.each(CASES)("$name: a trainer's file", async ({ model, file }) => {
  const { session } = await loadModel(model, null, { intraOpThreads: 1, device: 'cpu', trees: 'auto' }, file);
  const fetches = session.signature.outputs.filter((o) => o.isOnRequest !== true).map(({ name }) => name);
  expect(await compare(session, fetches)).toBe(0);
});

test("a trainer's file without trees answers with its base score", async () => {
  const file = JSON.parse(Buffer.from(trainerCase('xgboost_binary').model).toString());
  Object.assign(file.learner.gradient_booster.model, { trees: [], tree_info: [], iteration_indptr: [0] });
  file.learner.learner_model_param.boost_from_average = '0';
  const model = Buffer.from(JSON.stringify(file));
  const { session } = await loadModel(model, null, { intraOpThreads: 1, device: 'cpu', trees: 'auto' }, 'model.json');
  expect(await compare(session, ['raw', 'probability'])).toBe(0);
});
