/*
 * Builds dist/: the programs in few files, and the types of the front door. `node scripts/build.ts FOLDER` writes the programs alone,
 * elsewhere: what a benchmark runs is not to change what a checkout has built.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const [elsewhere] = process.argv.slice(2);
if (elsewhere !== undefined) await bundle(elsewhere);
else {
  rmSync(`${root}/dist`, { recursive: true, force: true });
  await bundle(`${root}/dist`);
  const tsc = [`${root}/node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
