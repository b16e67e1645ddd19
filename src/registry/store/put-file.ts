import { createHash } from 'node:crypto';
import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Location } from '../../base/contract/object-store.ts';
import type { RegistryFile } from '../../base/contract/registry.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { SMALL_OBJECT_BYTES } from '../../data/object-store/bounds.ts';

/**
 * Copies a local file to a key, unless its bytes are there already. False: other bytes are there. `addId` tells this adder's waiting files from
 * those of others.
 *
 * Errors: INPUT_CHANGED when the file is not what `file` says; those of the store.
 */
export async function putFile(folder: string, file: RegistryFile, target: Location, addId: string): Promise<boolean> {
  const path = join(folder, file.path);
  return file.bytes <= SMALL_OBJECT_BYTES ? putSmall(path, file, target) : putLarge(path, file, target, addId);
}

async function putSmall(path: string, file: RegistryFile, { store, key }: Location): Promise<boolean> {
  const bytes = await onDisk(path, () => readFile(path));
  requireSame(createHash('sha256').update(bytes).digest('hex'), file, path);
  if ((await store.putIfAbsent(key, bytes)).created) return true;
  const there = await store.get(key);
  return there !== null && Buffer.compare(there.bytes, bytes) === 0;
}

async function putLarge(path: string, file: RegistryFile, { store, key }: Location, addId: string): Promise<boolean> {
  const waiting = await store.stagingPath(key, addId);
  const source = waiting ?? path;
  if (waiting !== null) await onDisk(path, () => copyFile(path, waiting));
  // Of a copy nobody else writes into it; of the file itself a look before and after shows it.
  const before = await onDisk(source, () => stat(source));
  requireSame(await onDisk(source, () => fileDigest(source)), file, path);
  const staged = await store.stage(key, { path: source, size: file.bytes, sha256: file.sha256, runId: addId });
  try {
    const after = waiting === null ? await onDisk(source, () => stat(source)) : before;
    if (after.mtimeMs !== before.mtimeMs || after.size !== before.size)
      throw changed(path, file.sha256, 'a newer file');
    if ((await store.completeStaged(key, staged)) === 'completed') return true;
    throw new PrescoreError('STORE_UNAVAILABLE', { what: 'the upload of a file was dropped', where: store.uriOf(key) });
  } catch (error) {
    await store.abortStaged(key, staged).catch(() => undefined);
    if (isPrescoreError(error) && error.code === 'NONDETERMINISTIC') return false;
    throw error;
  }
}

function requireSame(sha256: string, file: RegistryFile, path: string): void {
  if (sha256 !== file.sha256) throw changed(path, `sha256 ${file.sha256}`, `sha256 ${sha256}`);
}

function changed(where: string, expected: string, got: string): PrescoreError {
  const fix = 'Add the model again once nobody writes it any more.';
  return new PrescoreError('INPUT_CHANGED', {
    what: 'a file of the model changed while it was added',
    where,
    expected,
    got,
    fix,
  });
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toPrescoreError(error, 'STORE_UNAVAILABLE', path);
  }
}
