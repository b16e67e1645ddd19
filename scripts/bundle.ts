/*
 * Puts src/ and the packages that every start needs into few files: a start that opens 400 small files spends a third of its time on
 * opening them (docs/decisions/tools.md).
 */
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { groupsOf, strayPackages } from './bundle-groups.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Programs: what is started by itself, and what starts as a thread or child. */
const ENTRIES = [
  'index',
  'cli/main',
  'cli/scorer-main',
  'cli/publisher-main',
  'cli/live-main',
  'cli/bench-main',
  'scoring/thread/ort-thread',
  'inference/child/parent-watch-thread',
];
/** Plain JavaScript that nearly every command needs. Anything else, native parts above all, stays a package. */
const BUNDLED = ['@duckdb/node-api', 'yaml', 'croner', 'commander'];

const source = (name: string): string => join(ROOT, 'src', `${name}.ts`);

/** What a run loads, in the order in which it does: the command, then its child and the child's threads. */
const RUN = {
  spare: source('cli/processes/spare-scorer'),
  program: source('cli/program/program'),
  run: source('cli/commands/run-command'),
  scorer: source('cli/scorer-main'),
  store: source('cli/wiring/open-store'),
  child: source('scoring/child/scorer-child'),
  thread: source('scoring/thread/ort-thread'),
};

/**
 * Writes `index.js`, and all else flat into `cli/`, so that files which name each other by URL are neighbours. Types are not
 * checked. Errors: those of the bundler.
 */
export async function bundle(outDir: string): Promise<void> {
  let groupOf: (id: string) => string | null = () => null;
  let importsOf: (id: string) => readonly string[] = () => [];
  const build = await rolldown({
    plugins: [
      {
        name: 'run-groups',
        buildEnd() {
          const graph = new Map([...this.getModuleIds()].map((id) => [id, this.getModuleInfo(id)?.importedIds ?? []]));
          importsOf = (id) => graph.get(id) ?? [];
          groupOf = groupsOf(RUN, importsOf);
        },
      },
    ],
    cwd: ROOT,
    input: Object.fromEntries(ENTRIES.map((entry) => [basename(entry), source(entry)])),
    platform: 'node',
    // What groups need; `index.js` still has its own names alone, as nothing else is put into it.
    preserveEntrySignatures: 'allow-extension',
    external: (id) => /^[^./\0]/.test(id) && !BUNDLED.some((name) => id === name || id.startsWith(`${name}/`)),
    logLevel: 'warn',
  });
  const { output } = await build.write({
    dir: outDir,
    format: 'esm',
    entryFileNames: ({ name }) => (name === 'index' ? 'index.js' : `cli/${name}.js`),
    chunkFileNames: 'cli/[name]-[hash].js',
    minify: false,
    keepNames: true,
    codeSplitting: { groups: [{ name: (id) => groupOf(id), debugName: 'run' }], includeDependenciesRecursively: false },
  });
  await build.close();
  const stray = strayPackages(
    output.filter((file) => file.type === 'chunk'),
    importsOf,
  );
  if (stray.length > 0) throw new Error(`files of the bundle load packages for nothing: ${stray.join('; ')}`);
  const modules = output.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []));
  for (const asset of assets()) copyFileSync(join(ROOT, 'src', asset), join(outDir, 'cli', basename(asset)));
  writeFileSync(join(outDir, 'THIRD-PARTY-LICENSES.txt'), licensesOf(modules));
  chmodSync(join(outDir, 'cli/main.js'), 0o755);
}

/** What lies beside the sources and is read at run time: proto files. */
function assets(): string[] {
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /\.[a-z]+$/.test(name) && !name.endsWith('.ts'));
}

function licensesOf(modules: readonly string[]): string {
  const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: string;
    };
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    return `${name} ${version} (${license ?? 'see below'})\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return `These packages are part of the files of prescore.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
