import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMlp } from '../../bench/gpu/onnx-writer.ts';
import { tempFolder } from '../harness/temp-job.ts';

test('a batch for which memory is short is halved, and later slabs begin with what fits', async () => {
  // A row takes 256 KiB inside the model: 2,048 rows want 512 MiB, and 475 MiB are left; with 400 the engine of JavaScript had too little now and then.
  const model = join(tempFolder(), 'wide.onnx');
  writeMlp(model, [1, 65_536, 1]);
  const script = join(import.meta.dirname, '../harness/short-memory.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, model, '2048', '4096', String(475 * 2 ** 20)];
  const stdout = await new Promise<string>((resolve) => execFile(process.execPath, args, (_, text) => resolve(text)));
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { batches: number; halvedTo: number; rejects: number; scored: number[] });
  expect(first).toMatchObject({ halvedTo: 1024, rejects: 0, scored: [4096] });
  // One row to see that the model is not to blame, then four halves.
  expect(first!.batches).toBe(5);
  expect(second).toEqual({ batches: 4, halvedTo: 1024, rejects: 0, scored: [4096] });
}, 30_000);
