import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What differs between two runs on good ground: how long things took, how old they are, what the stages' shares were. */
const VARIES: readonly (readonly [RegExp, string])[] = [
  [/\d+(\.\d+)? (ms|s|us)\b/g, '<time>'],
  [/generation \d+/g, 'generation <n>'],
  [/(limited by: ).*/g, '$1<shares>'],
  [/^(memory +)[\d.]+ [MG]B at most \(execution.memory: auto, of [\d.]+ [MG]B\)/g, '$1<sizes>'],
];
const settled = (line: string): string =>
  VARIES.reduce((text, [pattern, name]) => text.replace(pattern, name), line)
    .replace(/ +/g, ' ')
    .trim();

/** Sizes may differ by a little: other processors give other last bits, and these compress otherwise. */
const sizeOf = (line: string): number => Number(/([\d.]+) [kM]B/.exec(line)?.[1] ?? 0);
const sameLine = (shown: string, printed: string): boolean =>
  settled(shown).replace(/[\d.]+ ([kM]B)/g, '$1') === settled(printed).replace(/[\d.]+ ([kM]B)/g, '$1') &&
  Math.abs(sizeOf(shown) - sizeOf(printed)) <= 0.02 * sizeOf(printed);

test("the README shows what the demo prints, in the demo's order", { timeout: 240_000 }, async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const shown = /```\n(partition {2}[\s\S]*?)```/.exec(readme)![1]!.trimEnd().split('\n');
  const { stdout } = await run(process.execPath, ['scripts/demo.ts'], { cwd: root, maxBuffer: 2 ** 24 });
  // What limited a run is said from two seconds of work on, which a fast machine does not need for it.
  const printed = stdout.split('\n').filter((line) => !line.startsWith('limited by: '));
  let at = printed.findIndex((line) => line.startsWith('partition  '));
  expect(at).toBeGreaterThan(0);
  let isLeftOut = false;
  for (const line of shown) {
    if (line === '…') {
      isLeftOut = true;
      continue;
    }
    // After "…" the next line that is shown may come later; otherwise it is the next one.
    if (isLeftOut) while (at < printed.length && !sameLine(line, printed[at]!)) at++;
    isLeftOut = false;
    expect(sameLine(line, printed[at] ?? ''), `README: ${line}\nprinted: ${printed[at]}`).toBe(true);
    at++;
  }
});

test('the lines of "Use it on your model" work as they are printed', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, block = ''] = /## Use it on your model\n\n((?: {4}.*\n)+)/.exec(readme) ?? [];
  const lines = block
    .split('\n')
    .map((line) => line.replace(/ # .*/, '').trim())
    .filter((line) => line.startsWith('npx prescore '));
  expect(lines.map((line) => line.split(' ')[2])).toEqual(['init', 'run', 'run', 'lookup']);
  const folder = tempFolder();
  mkdirSync(join(folder, 'data'));
  cpSync(join(fixtures, 'first-contact/models/lightgbm.onnx'), join(folder, 'model.onnx'));
  cpSync(join(fixtures, 'first-contact/tables/pandas.parquet'), join(folder, 'data/customers.parquet'));
  for (const line of lines) {
    const { code, stderr } = await prescore(line.split(/ +/).slice(2), { cwd: folder });
    expect([line, code, stderr]).toEqual([line, 0, expect.not.stringMatching(/^(warning|note|[A-Z_]+):/m)]);
  }
});
