import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { toPrescoreError } from '../../base/errors/prescore-error.ts';
import { type CopiedModel, copyModel, refuseLargeGraph } from '../../model/onnx/copy-model.ts';

let folders = 0;

/** A folder in the scratch folder that nobody else has; it is not there yet. */
export function scratchPlace(scratchDir: string): string {
  return join(scratchDir, `live-${process.pid}-${++folders}`);
}

/**
 * Copies a model out of its store: files that are replaced while it is served change nothing. Its digest is checked by
 * the child that loads it.
 *
 * Errors: MODEL_INVALID above 2 GiB, MODEL_EXTERNAL_DATA; those of the store; STORE_UNAVAILABLE when the scratch files cannot be written. Owns: the
 * caller removes the place.
 */
async function copyVersion(folder: Location, model: ObjectInfo, place: string): Promise<CopiedModel> {
  const { store } = folder;
  const at = { store, key: model.key, uri: store.uriOf(model.key) };
  refuseLargeGraph(model.size, at.uri);
  await onDisk(place, () => mkdir(place));
  return copyModel(at, model, place, onDisk);
}

/** Copies of one version in the scratch folder, one at a time: made when it is loaded, removed when it is not any more. */
export function scratchCopies(scratchDir: string): {
  copy(folder: Location, model: ObjectInfo): Promise<CopiedModel>;
  release(): Promise<void>;
} {
  let place: string | null = null;
  return {
    copy: (folder, model) => {
      place = scratchPlace(scratchDir);
      return copyVersion(folder, model, place);
    },
    release: async () => {
      const gone = place;
      place = null;
      if (gone !== null) await removeModel(gone);
    },
  };
}

/** Writes a model that is given as bytes. Errors: STORE_UNAVAILABLE. */
export function writeModel(bytes: Uint8Array, path: string): Promise<void> {
  return onDisk(path, () => writeFile(path, bytes, { flag: 'wx' }));
}

/** Removes what this module has made; no error when it is gone. */
export async function removeModel(place: string): Promise<void> {
  await rm(place, { recursive: true, force: true }).catch(() => undefined);
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
