import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
/** Everything the benchmark makes, except results; ignored by git and safe to delete. */
export const WORK = join(ROOT, '.bench');
/** The Python scripts of the contenders and of the data. */
export const PYTHON = join(ROOT, 'bench', 'python');

/**
 * The folder `.bench/<name>-<hash of key>`, made on first use: `make` fills a folder beside it, which is then renamed, so
 * that a half-made folder is never used.
 */
export async function madeOnce(
  name: string,
  key: readonly (string | Uint8Array)[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  // Lengths keep two neighbouring parts of the key apart.
  for (const part of key) hash.update(`${part.length}:`).update(part);
  const folder = join(WORK, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const building = `${folder}.tmp-${process.pid}`;
  await rm(building, { recursive: true, force: true });
  await mkdir(dirname(building), { recursive: true });
  try {
    await make(building);
    await rename(building, folder);
  } catch (error) {
    // Another run may have been faster: a folder that is there is whole.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return folder;
}

/** Says what happens next; results alone go to standard output. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
