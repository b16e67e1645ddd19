import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { copyAssets } from '../../scripts/copy-assets.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command line that tests start: the one that `buildCli` has compiled for this run, else the sources. */
export const cliEntry = process.env['PRESCORE_TEST_CLI'] ?? join(root, 'src/cli/main.ts');

export interface BuiltCli {
  readonly entry: string;
  remove(): Promise<void>;
}

/** Compiles the command line as the package does: tests start what users start, and a start takes half the CPU of one from sources. */
export async function buildCli(): Promise<BuiltCli> {
  const parent = join(root, '.servers');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'cli-'));
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--declaration', 'false'];
  await promisify(execFile)(process.execPath, [...args, '--outDir', join(folder, 'dist')], { cwd: root });
  copyAssets(join(folder, 'dist'));
  // The layout of the installed package: it reads its version from the package.json above dist.
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  return { entry: join(folder, 'dist/cli/main.js'), remove: () => rm(folder, { recursive: true, force: true }) };
}
