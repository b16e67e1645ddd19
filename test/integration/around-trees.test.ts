import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import { isSame } from '../../src/model/engine/open-model.ts';
import { openOnnx } from '../harness/open-onnx.ts';

const FOLDER = 'fixtures/around-trees';
const VALUES = [0, 1, 1, 0];

function dataOf(type: string | null, length: number): TensorValue['data'] {
  const values = VALUES.slice(0, length);
  if (type === 'int64') return BigInt64Array.from(values, BigInt);
  return type === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
}

test.each(readdirSync(FOLDER))('%s: a graph that cannot be cut is still scored, as ONNX Runtime does', async (name) => {
  const path = `${FOLDER}/${name}`;
  const [ours, theirs] = [await openOnnx(path, 'always'), await openOnnx(path, 'onnxruntime')];
  const { explains: _, ...signature } = ours.session.signature;
  expect(signature).toEqual(theirs.session.signature);
  const { inputs, outputs } = theirs.session.signature;
  const feeds = new Map(
    inputs.map(({ name: input, type, dims }): [string, TensorValue] => {
      const shape = [dims[0] ?? 2, dims[1]!];
      return [input, { type: type!, dims: shape, data: dataOf(type, shape[0]! * shape[1]!) }];
    }),
  );
  const fetches = outputs.map((output) => output.name);
  const expected = await theirs.session.run(feeds, fetches);
  const found = await ours.session.run(feeds, fetches);
  for (const fetch of fetches) expect(isSame(found.get(fetch)!, expected.get(fetch)!), fetch).toBe(true);
  await Promise.all([ours.session.close(), theirs.session.close()]);
});
