import { expect, test } from 'vitest';
import type { TensorValue } from '../../../../src/model/elements/elements.ts';
import { seeded } from '../../../../src/model/elements/seeded.ts';
import { checkedKernel } from '../../../../src/model/engine/checked-kernel.ts';
import { loadModel } from '../../../../src/model/engine/load-model.ts';
import { readNativeModel } from '../../../../src/model/native/read-native-model.ts';
import { plainLeaves, plainScores } from '../../../../src/model/trees/plain-scores.ts';
import { suggestOutputs } from '../../../../src/scoring/draft/suggest-outputs.ts';
import { bindFeatures } from '../../../../src/scoring/tensor/bind-features.ts';
import { otherBits, type TrainerCase, trainerCase, trainerCases } from '../../../harness/trainer-cases.ts';

const OPTIONS = { intraOpThreads: 1, device: 'cpu', trees: 'auto' } as const;
const cases = trainerCases('').filter(
  ({ name, arrays }) => !/linear|refused/.test(name) && arrays['rows'] !== undefined,
);

/** The rows of a case as the feeds of its model: a column an input, or all in one; places of categories as the texts that they stand for. */
function feedsOf(
  { arrays }: TrainerCase,
  inputs: readonly { name: string; type: TensorValue['type'] | null }[],
): Map<string, TensorValue> {
  const { data, shape } = arrays['rows']!;
  const [count = 0, width = 0] = shape;
  const View = data instanceof Float32Array ? Float32Array : Float64Array;
  const type = data instanceof Float32Array ? 'float32' : 'float64';
  if (inputs.length === 1) return new Map([[inputs[0]!.name, { type, dims: [count, width], data }]]);
  return new Map(
    inputs.map(({ name }, feature): [string, TensorValue] => {
      const column = new View(count);
      for (let row = 0; row < count; row++) column[row] = data[row * width + feature]!;
      return [name, { type, dims: [count, 1], data: column }];
    }),
  );
}

test.each(cases)('$name: the raw output is what its trainer gives, in every bit', async (one) => {
  const { session, info } = await loadModel(one.model, null, OPTIONS, one.file);
  expect(info).toMatchObject({ engine: { name: 'trees' } });
  const { inputs } = session.signature;
  // Cases with texts have them as places already: they are scored by the file's own test.
  if (
    inputs.some(({ type }) => type === 'string') ||
    (inputs.length !== 1 && inputs.length !== one.arrays['rows']!.shape[1])
  )
    return;
  const found = (await session.run(feedsOf(one, inputs), ['raw'])).get('raw')!;
  expect(otherBits(Float64Array.from(found.data as Float64Array), one.arrays['raw']!.data)).toEqual([]);
});

const doubles = cases.filter(({ arrays }) => arrays['rows']!.data instanceof Float64Array);

test.each(doubles)(
  '$name: large batches of floats, which another kernel takes, give the plain sums',
  ({ model, file, arrays }) => {
    const { ensemble } = readNativeModel(model, file);
    const { kernel } = checkedKernel(ensemble);
    const { data } = arrays['rows']!;
    const count = 1100;
    const random = seeded(11);
    const wanted = (): number => data[Math.floor(random() * data.length)]!;
    const rows = Float64Array.from({ length: count * ensemble.features }, wanted);
    for (const some of [Float64Array.from(Float32Array.from(rows)), rows]) {
      const sums = new Float64Array(count * ensemble.targets);
      kernel.sum(some, count, sums);
      const bare = {
        ...ensemble,
        divisor: 1,
        base: ensemble.baseAdded === 'first' ? ensemble.base : ensemble.base.map(() => 0),
      };
      expect(otherBits(plainScores(bare, some), sums)).toEqual([]);
    }
  },
);

const leaved = cases.filter(({ arrays }) => arrays['leaves'] !== undefined);

test.each(leaved)('$name: leaves are those that its trainer names', ({ model, file, arrays }) => {
  const { ensemble } = readNativeModel(model, file);
  const found = plainLeaves(ensemble, arrays['rows']!.data);
  expect(otherBits(found, arrays['leaves']!.data)).toEqual([]);
});

test.each(['lightgbm_multiclass', 'xgboost_stopped_wrapper', 'catboost_lossguide'])(
  '%s: leaves are an output on request, a number a tree',
  async (name) => {
    const one = trainerCase(name);
    const { session } = await loadModel(one.model, null, OPTIONS, one.file);
    const output = session.signature.outputs.find((tensor) => tensor.name === 'leaf');
    expect(output).toMatchObject({ type: 'int32', isOnRequest: true, dims: [null, one.arrays['leaves']!.shape[1]] });
    const found = (await session.run(feedsOf(one, session.signature.inputs), ['leaf'])).get('leaf')!;
    expect(otherBits(found.data as Int32Array, one.arrays['leaves']!.data)).toEqual([]);
  },
);

const explained = cases.filter(({ arrays }) => arrays['contributions'] !== undefined);

test.each(explained)('$name: contributions on request are those of its trainer', async (one) => {
  const { session } = await loadModel(one.model, null, OPTIONS, one.file);
  const { inputs, outputs } = session.signature;
  if (inputs.some(({ type }) => type === 'string') || !outputs.some(({ name }) => name === 'contributions')) return;
  const rows = one.arrays['explained']!;
  if (inputs.length !== 1 && inputs.length !== rows.shape[1]) return;
  const feeds = feedsOf({ ...one, arrays: { rows } }, inputs);
  const found = (await session.run(feeds, ['contributions'])).get('contributions')!;
  const expected = one.arrays['contributions']!;
  const tolerance = expected.data instanceof Float32Array ? 1e-4 : 1e-9;
  expected.data.forEach((value, i) => {
    const got = (found.data as Float64Array)[i]!;
    expect(Math.abs(got - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
  });
});

test('texts and numbers of a table are found by name, an unknown category is missing', async () => {
  const { model, file } = trainerCase('lightgbm_pandas');
  const { session } = await loadModel(model, null, OPTIONS, file);
  const texts = session.signature.inputs.filter(({ type }) => type === 'string');
  expect(texts.length).toBeGreaterThan(0);
  const feeds = (value: string): Map<string, TensorValue> =>
    new Map(
      session.signature.inputs.map(({ name, type }): [string, TensorValue] =>
        type === 'string'
          ? [name, { type, dims: [1, 1], data: [value] }]
          : [name, { type: type ?? 'float64', dims: [1, 1], data: new Float64Array([Number.NaN]) }],
      ),
    );
  const rawOf = async (value: string): Promise<unknown> =>
    (await session.run(feeds(value), ['raw'])).get('raw')!.data[0];
  expect(await rawOf('no such category')).toBe(await rawOf('nor this one'));
});

test('nulls of a text category are missing unless the job says otherwise', async () => {
  const { model, file } = trainerCase('lightgbm_pandas');
  const { session } = await loadModel(model, null, OPTIONS, file);
  const { inputs } = session.signature;
  const missing = inputs.find(({ type }) => type === 'string')!.missingText;
  const columns = new Map(inputs.map(({ name, type }) => [name, type === 'string' ? 'VARCHAR' : 'DOUBLE']));
  const nullsOf = (features: Parameters<typeof bindFeatures>[0]): unknown[] =>
    bindFeatures(features, session.signature, columns, file)
      .inputs.filter((input) => input.kind === 'columns' && input.type === 'string')
      .map((input) => (input.kind === 'columns' ? input.nulls : null));
  expect(new Set(nullsOf(null))).toEqual(new Set([{ fill: missing }]));
  const asked = Object.fromEntries(
    inputs.map(({ name, type }) => [
      name,
      { kind: 'columns' as const, columns: [name], nulls: type === 'string' ? ('reject' as const) : null },
    ]),
  );
  expect(new Set(nullsOf(asked))).toEqual(new Set(['reject']));
});

test('two targets are two columns of a list, not two classes', async () => {
  const { model, file } = trainerCase('xgboost_targets');
  const { info } = await loadModel(model, null, OPTIONS, file);
  const notes: string[] = [];
  const outputs = suggestOutputs(info.signature, new Set(), notes);
  expect(outputs.map(({ column, index }) => [column, index])).toEqual([
    ['prediction', undefined],
    ['raw', undefined],
  ]);
});

test('a pin of other bytes is refused, and so is a GPU', async () => {
  const { model, file } = trainerCase('xgboost_binary');
  await expect(loadModel(model, '0'.repeat(64), OPTIONS, file)).rejects.toMatchObject({ code: 'MODEL_CHECKSUM' });
  const onGpu = loadModel(model, null, { ...OPTIONS, device: 'cuda' }, file);
  await expect(onGpu).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
});
