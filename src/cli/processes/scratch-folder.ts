import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import { fileError } from '../../data/file-store/file-errors.ts';
import { isKnownDead, ownIdentity, type ProcessIdentity } from '../../run/ledger/process-identity.ts';

const PREFIX = 'prescore-';
const OWNER = 'owner.json';

/**
 * A new folder for scratch files, which its owner removes. What a process that was killed on this host left behind is
 * removed meanwhile: nobody else would, and to wait for it took 40 ms where a few hundred folders lay.
 *
 * Errors: STORE_DENIED, SCRATCH_FULL naming TMPDIR.
 */
export async function makeScratch(): Promise<string> {
  let folder: string | null = null;
  try {
    removeOrphans().catch(() => undefined);
    folder = await mkdtemp(join(tmpdir(), PREFIX));
    await writeFile(join(folder, OWNER), JSON.stringify(ownIdentity()));
    return folder;
  } catch (error) {
    // Without an owner nobody else would remove it.
    if (folder !== null) await removeScratch(folder);
    if (isOutOfSpace(error)) throw scratchFault(error, tmpdir());
    const { code, details } = fileError(error, tmpdir());
    const fix = 'Set TMPDIR to a folder that can be written and has some space.';
    throw new PrescoreError(code, { ...details, fix });
  }
}

/** Removes a folder of `makeScratch`. */
export function removeScratch(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

async function removeOrphans(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const owner = await readOwner(folder);
    if (owner !== null && isKnownDead(owner)) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function readOwner(folder: string): Promise<ProcessIdentity | null> {
  try {
    const owner = JSON.parse(await readFile(join(folder, OWNER), 'utf8')) as ProcessIdentity;
    return Number.isInteger(owner.pid) ? owner : null;
  } catch {
    // Not ours, or somebody else's: left alone.
    return null;
  }
}
