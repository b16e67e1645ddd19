import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../scripts/bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command line that tests start: the one that `buildCli` has compiled for this run, else the sources. */
export const cliEntry = process.env['PRESCORE_TEST_CLI'] ?? join(root, 'src/cli/main.ts');

export interface BuiltCli {
  readonly entry: string;
  remove(): Promise<void>;
}

/** Builds the command line as the package does: tests start what users start, and a start takes half the CPU of one from sources. */
export async function buildCli(): Promise<BuiltCli> {
  const parent = join(root, '.servers');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'cli-'));
  // Some tests start it as another user.
  await chmod(folder, 0o755);
  await bundle(join(folder, 'dist'));
  // The layout of the installed package: it reads its version from the package.json above dist, and pages from docs, which lead to examples.
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of ['docs', 'examples']) await cp(join(root, name), join(folder, name), { recursive: true });
  return { entry: join(folder, 'dist/cli/main.js'), remove: () => rm(folder, { recursive: true, force: true }) };
}
