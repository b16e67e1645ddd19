import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import { isSame } from '../../src/model/engine/open-model.ts';
import { openOnnx } from '../harness/open-onnx.ts';

const FOLDER = 'fixtures/rare-leaves';
const WIDTH = 20;

test.each(readdirSync(FOLDER))('%s: a leaf that no check row reaches is scored as ONNX Runtime does', async (name) => {
  const path = `${FOLDER}/${name}`;
  const [ours, theirs] = [await openOnnx(path, 'always'), await openOnnx(path, 'onnxruntime')];
  const data = Float32Array.from({ length: 2 * WIDTH }, (_, i) => (i < WIDTH ? -1 : 1));
  const feeds = new Map<string, TensorValue>([['x', { type: 'float32', dims: [2, WIDTH], data }]]);
  const fetches = ['label', 'scores'];
  const expected = await theirs.session.run(feeds, fetches);
  const found = await ours.session.run(feeds, fetches);
  for (const fetch of fetches) expect(isSame(found.get(fetch)!, expected.get(fetch)!), fetch).toBe(true);
  await Promise.all([ours.session.close(), theirs.session.close()]);
});
