import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TensorValue } from '../../src/model/elements/elements.ts';
import { isSame, openModel } from '../../src/model/engine/open-model.ts';
import { readOnnxFile } from '../../src/model/onnx/onnx-file.ts';

const FOLDER = 'fixtures/rare-leaves';
const WIDTH = 20;

test.each(readdirSync(FOLDER))('%s: a leaf that no check row reaches is scored as ONNX Runtime does', async (name) => {
  const path = `${FOLDER}/${name}`;
  const bytes = new Uint8Array(readFileSync(path));
  const open = (trees: 'always' | 'onnxruntime') =>
    openModel(bytes, readOnnxFile(bytes, path), { intraOpThreads: 1, device: 'cpu', trees }, path);
  const [ours, theirs] = [await open('always'), await open('onnxruntime')];
  const data = Float32Array.from({ length: 2 * WIDTH }, (_, i) => (i < WIDTH ? -1 : 1));
  const feeds = new Map<string, TensorValue>([['x', { type: 'float32', dims: [2, WIDTH], data }]]);
  const fetches = ['label', 'scores'];
  const expected = await theirs.session.run(feeds, fetches);
  const found = await ours.session.run(feeds, fetches);
  for (const fetch of fetches) expect(isSame(found.get(fetch)!, expected.get(fetch)!), fetch).toBe(true);
  await Promise.all([ours.session.close(), theirs.session.close()]);
});
