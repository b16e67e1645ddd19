import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { madeOnce, note, ROOT } from './paths.ts';

/**
 * The command line of prescore as users get it: compiled JavaScript, not the TypeScript of the checkout. Built once for
 * each state of `src/`, beside `dist/`, so that a benchmark does not change what a checkout has built.
 */
export async function buildPrescore(): Promise<string> {
  const src = join(ROOT, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort();
  const key = [readFileSync(join(ROOT, 'package-lock.json')), ...files.flatMap((f) => [f, readFileSync(join(src, f))])];
  const folder = await madeOnce('build', key, async (building) => {
    note('building prescore');
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', building, '--declaration', 'false'];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT }).catch((error: { stdout?: string }) => {
      throw new Error(`prescore does not build\n${error.stdout ?? ''}`);
    });
  });
  return join(folder, 'cli', 'main.js');
}
