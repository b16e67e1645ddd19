import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { runPython } from '../../test/harness/python.ts';
import { fixtures } from '../../test/harness/temp-job.ts';
import { walkZoo, type ZooWalk } from './zoo-walk.ts';

export interface ModelWalk extends ZooWalk {
  readonly name: string;
}

/** What the model with two gigabytes of weights takes: made, in its walk, and copied by the command. */
const BIG_BYTES = 10 * 1024 ** 3;

/** Networks as torch and Keras export them, made by test/python/framework_cases.py. */
const EXPORTS = join(fixtures, 'exports');

/**
 * Models as exporters write them by default and as packages bring them, each walked from `init` to its answers. Made once into the folder; but the
 * largest, which is made for its walk alone, and left out where the disk has no room for it.
 *
 * Errors: those of Python, where models cannot be made.
 */
export async function proveModels(
  folder: string,
  seed: number,
  only: string | null,
  tell: (walk: ModelWalk) => void,
): Promise<{ readonly lost: readonly string[]; readonly leftOut: readonly string[] }> {
  const cases = join(folder, 'cases');
  const walk = join(folder, `walk-${process.pid}`);
  if (!existsSync(cases)) await make(cases, seed);
  for (const home of [cases, EXPORTS])
    for (const name of namesIn(home))
      if (only === null || name.includes(only)) tell({ name, ...(await walkZoo(join(home, name), walk)) });
  const isWanted = only === null || 'two-gigabytes-beside'.includes(only);
  const hasRoom = freeBytes(folder) > BIG_BYTES;
  const big = join(folder, 'big');
  try {
    if (isWanted && hasRoom) {
      await make(big, seed, 'big');
      for (const name of namesIn(big)) tell({ name, ...(await walkZoo(join(big, name), walk)) });
    }
  } finally {
    for (const one of [big, `${big}.part`, walk]) rmSync(one, { recursive: true, force: true });
  }
  const lost = JSON.parse(readFileSync(join(cases, 'lost.json'), 'utf8')) as string[];
  return { lost, leftOut: isWanted && !hasRoom ? ['two-gigabytes-beside: the disk has no 10 GB left'] : [] };
}

async function make(folder: string, seed: number, ...parts: readonly string[]): Promise<void> {
  const building = `${folder}.part`;
  rmSync(building, { recursive: true, force: true });
  await runPython(
    'zoo_models.py',
    [building, String(seed), ...parts],
    ['zoo-requirements.txt', 'walk-requirements.txt'],
  );
  rmSync(folder, { recursive: true, force: true });
  renameSync(building, folder);
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
