import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMlp } from '../../../../bench/gpu/onnx-writer.ts';
import { TRIAL_MODEL } from '../../../../src/cli/processes/trial-scorer.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

test('the model that is tried out on a GPU is what the writer writes', () => {
  const path = join(tempFolder(), 'trial.onnx');
  writeMlp(path, [2, 1]);
  expect(readFileSync(path).toString('base64')).toBe(TRIAL_MODEL);
});
