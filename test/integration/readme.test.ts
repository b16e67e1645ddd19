import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

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
  const printed = stdout.split('\n');
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
