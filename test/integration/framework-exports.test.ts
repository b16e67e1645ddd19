import { join } from 'node:path';
import { expect, test } from 'vitest';
import { walkZoo } from '../../scripts/prove/zoo-walk.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

// The rest of the folder is walked by `npm run prove -- models`.
test.each([
  // Its weights are all in the graph, beside a file of weights that is empty.
  ['torch-mlp-dynamo', 'right unedited'],
  ['torch-cnn-dynamo', 'right unedited'],
  ['torch-lstm-dynamo', 'right unedited'],
  // Only a person knows whether lists of one length are padded: the mask is asked for.
  ['torch-encoder-fixed', 'right with one edit'],
  // The length of the example is a constant of its graph.
  ['torch-encoder-script', 'refused by name'],
  ['keras-mixed', 'right unedited'],
])(
  '%s: %s, from init to the answers of Python',
  async (name, outcome) => {
    const walk = await walkZoo(join(fixtures, 'exports', name), join(tempFolder(), 'walk'));
    expect(walk).toMatchObject({ fault: '', outcome });
    expect(walk.off).toBeLessThan(1e-6);
  },
  120_000,
);
