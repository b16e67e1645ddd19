import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { madeOnce, note, ROOT } from './paths.ts';

/** The compiled programs that run as contenders. */
export interface Programs {
  readonly prescore: string;
  readonly limit: string;
}

/** Builds both, prescore only when it is wanted; each once for each state of its sources. */
export async function buildPrograms(wantsPrescore: boolean): Promise<Programs> {
  return { prescore: wantsPrescore ? await buildPrescore() : '', limit: await buildLimit() };
}

/**
 * The command line of prescore as users get it: compiled JavaScript, not the TypeScript of the checkout. Built once for
 * each state of `src/`, beside `dist/`, so that a benchmark does not change what a checkout has built.
 */
async function buildPrescore(): Promise<string> {
  const src = join(ROOT, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort();
  const key = [
    readFileSync(join(ROOT, 'package.json')),
    readFileSync(join(ROOT, 'package-lock.json')),
    ...['build', 'bundle', 'bundle-groups'].map((name) => readFileSync(join(ROOT, 'scripts', `${name}.ts`))),
    ...files.flatMap((f) => [f, readFileSync(join(src, f))]),
  ];
  const folder = await madeOnce('build', key, async (building) => {
    note('building prescore');
    const build = [join(ROOT, 'scripts', 'build.ts'), join(building, 'dist')];
    execFileSync(process.execPath, build, { stdio: ['ignore', 'ignore', 'inherit'] });
    // The layout of the installed package: it reads its version from the package.json above dist.
    await copyFile(join(ROOT, 'package.json'), join(building, 'package.json'));
  });
  return join(folder, 'dist', 'cli', 'main.js');
}

/** The limit as JavaScript: stripping its types at every start took 0.14 s, which the limit must not pay. */
async function buildLimit(): Promise<string> {
  const names = ['limit', 'limit-child'];
  const sources = names.map((name) => readFileSync(join(ROOT, 'bench', `${name}.ts`), 'utf8'));
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
  };
  const folder = await madeOnce('limit', sources, async (building) => {
    await mkdir(building, { recursive: true });
    for (const [k, name] of names.entries()) {
      const fileName = `${name}.ts`;
      const { outputText } = ts.transpileModule(sources[k]!, { compilerOptions, fileName });
      // Node finds this repository's package.json and node_modules above it.
      await writeFile(join(building, `${name}.js`), outputText.replaceAll('limit-child.ts', 'limit-child.js'));
    }
  });
  return join(folder, 'limit.js');
}
