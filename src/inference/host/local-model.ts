import { constants } from 'node:fs';
import { copyFile, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';

const LARGEST = 2 * 1024 ** 3;
const RANGE_BYTES = 16 * 1024 * 1024;

let files = 0;

/** A path in the scratch folder that nobody else has. */
export function scratchPath(scratchDir: string): string {
  return join(scratchDir, `live-${process.pid}-${++files}.onnx`);
}

/**
 * Copies a model out of its store: a file that is replaced while it is served changes nothing. Its digest is checked by
 * the child that loads it.
 *
 * Errors: MODEL_INVALID above 2 GiB; those of the store; STORE_UNAVAILABLE when the scratch file cannot be written. Owns: the caller removes the file.
 */
export async function copyModel(folder: Location, model: ObjectInfo, path: string): Promise<void> {
  const where = folder.store.uriOf(model.key);
  if (model.size > LARGEST) {
    const [what, got] = ['model is larger than an ONNX file can be', `${model.size} bytes`];
    throw new PrescoreError('MODEL_INVALID', { what, where, expected: 'at most 2 GiB', got });
  }
  const local = folder.store.localPath(model.key);
  if (local !== null) return onDisk(path, () => copyFile(local, path, constants.COPYFILE_FICLONE));
  const file = await onDisk(path, () => open(path, 'wx'));
  try {
    const buffer = new Uint8Array(Math.min(RANGE_BYTES, model.size));
    for (let offset = 0; offset < model.size; offset += RANGE_BYTES) {
      const length = Math.min(RANGE_BYTES, model.size - offset);
      await folder.store.readRange(model.key, { offset, length }, model.etag, buffer);
      await onDisk(path, () => file.write(buffer, 0, length, offset));
    }
  } finally {
    await file.close();
  }
}

/** Writes a model that is given as bytes. Errors: STORE_UNAVAILABLE. */
export function writeModel(bytes: Uint8Array, path: string): Promise<void> {
  return onDisk(path, () => writeFile(path, bytes, { flag: 'wx' }));
}

/** Removes a file of this module; no error when it is gone. */
export async function removeModel(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** Lower-case hex. Errors: STORE_UNAVAILABLE. */
export function digestOf(path: string): Promise<string> {
  return onDisk(path, () => fileDigest(path));
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toPrescoreError(error, 'STORE_UNAVAILABLE', path);
  }
}
