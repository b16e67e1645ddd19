import { join } from 'node:path';
import { expect } from 'vitest';
import { modelFolder, pinnedModel } from './model-files.ts';
import { expectRefusal, leftIn, type Refusal } from './refusal.ts';
import { tempFolder } from './temp-job.ts';
import { tinyJob } from './tiny-tables.ts';

/** A job over 1,037 rows that feeds x [N, 3] and writes y; changed where a case says so. Its output is `<folder>/out`. */
export async function sumJob(
  folder: string,
  model: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return tinyJob(folder, join(await modelFolder(), 'types.parquet'), { model: pinnedModel(model), ...changes });
}

/** `run` refuses such a job, and nothing is in its output. Gives what it said. */
export async function refusesModel(
  refusal: Refusal,
  model: string,
  changes?: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = tempFolder();
  const result = await expectRefusal(['run', await sumJob(folder, model, changes)], refusal);
  expect(leftIn(join(folder, 'out'))).toEqual([]);
  return result.stderr;
}
