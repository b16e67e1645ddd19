import { constants } from 'node:fs';
import { copyFile, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { WeightsFile } from '../../base/contract/model-files.ts';
import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { externalFiles, missingWeights, weightsBytes } from './external-data.ts';
import { outlineModel, weightsMemory } from './model-structure.ts';
import { readOnnxFile } from './onnx-file.ts';

/** A model on this machine that only this process knows: files that are replaced in their store change nothing. */
export interface CopiedModel {
  /** `weights` lie beside it. */
  readonly path: string;
  /** The files of weights that the graph names; empty where it is one file. */
  readonly weights: readonly WeightsFile[];
  /** Of all files. */
  readonly bytes: number;
  /** What it is likely to take in memory when it is loaded. */
  readonly memoryBytes: number;
}

/** What a file may be: protobuf messages end at 2 GiB; the weights beside them do not. */
export const LARGEST_GRAPH = 2 * 1024 ** 3;
const RANGE_BYTES = 16 * 1024 * 1024;
/** Ranges of one file that are fetched at the same time. */
const IN_FLIGHT = 4;

type OnDisk = <T>(path: string, work: () => Promise<T>) => Promise<T>;

/**
 * Copies a model out of its store into an empty folder: the file, and where it is an ONNX graph, the files of weights that it names, which lie beside it
 * in the store. `onDisk` gives failures of the local disk their meaning. The digest of the graph is checked by whoever loads it; those of
 * its weights are taken here.
 *
 * Errors: MODEL_EXTERNAL_DATA; those of the store and of `onDisk`. Owns: the caller removes the folder.
 */
export async function copyModel(
  model: Location,
  info: ObjectInfo,
  folder: string,
  onDisk: OnDisk,
): Promise<CopiedModel> {
  const path = join(folder, 'model.onnx');
  await copyObject(model, info, path, onDisk);
  const { bytes: outline, memoryBytes } = outlineModel(path);
  const names = outline === null ? [] : namesIn(outline, model.uri);
  const found = await Promise.all(
    names.map(async (name) => {
      const key = `${model.key.slice(0, model.key.lastIndexOf('/') + 1)}${name}`;
      return { name, at: { ...model, key, uri: model.store.uriOf(key) }, info: await model.store.head(key) };
    }),
  );
  const missing = found.filter((one) => one.info === null).map(({ name }) => name);
  if (missing.length > 0) throw missingWeights(missing, model.uri);
  const weights: WeightsFile[] = [];
  for (const { name, at, info: part } of found) {
    const own = join(folder, name);
    // A name that is a folder of another's, or the graph's own, cannot be written beside it.
    await onDisk(own, () => mkdir(dirname(own), { recursive: true }));
    await copyObject(at, part!, own, onDisk);
    weights.push({ name, bytes: part!.size, sha256: await onDisk(own, () => fileDigest(own)) });
  }
  const partBytes = weightsBytes(weights);
  return { path, weights, bytes: info.size + partBytes, memoryBytes: memoryBytes + weightsMemory(partBytes) };
}

// The bytes of its name are in every file that names others.
function namesIn(outline: Uint8Array, where: string): string[] {
  if (!Buffer.from(outline.buffer, outline.byteOffset, outline.length).includes('location')) return [];
  try {
    return externalFiles(readOnnxFile(outline, where), where).filter((name) => name !== 'model.onnx');
  } catch (error) {
    // What is wrong with it is told by whoever loads it.
    if (isPrescoreError(error) && error.code !== 'MODEL_EXTERNAL_DATA') return [];
    throw error;
  }
}

/** Copies one object to a new file. Errors: those of the store and of `onDisk`. */
export async function copyObject(
  { store, key }: Location,
  info: ObjectInfo,
  path: string,
  onDisk: OnDisk,
): Promise<void> {
  const local = store.localPath(key);
  if (local !== null)
    return onDisk(local, () => copyFile(local, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL));
  const file = await onDisk(path, () => open(path, 'wx'));
  try {
    let next = 0;
    const fetchRanges = async (): Promise<void> => {
      const buffer = new Uint8Array(Math.min(RANGE_BYTES, info.size));
      for (let offset = next; offset < info.size; offset = next) {
        next += RANGE_BYTES;
        const length = Math.min(RANGE_BYTES, info.size - offset);
        await store.readRange(key, { offset, length }, info.etag, buffer);
        await onDisk(path, () => file.write(buffer, 0, length, offset));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, fetchRanges));
  } finally {
    await file.close();
  }
}

/** Errors: MODEL_INVALID above 2 GiB. */
export function refuseLargeGraph(size: number, where: string): void {
  if (size <= LARGEST_GRAPH) return;
  throw new PrescoreError('MODEL_INVALID', {
    what: 'model is larger than an ONNX file can be',
    where,
    expected: 'at most 2 GiB, with weights in files beside it where there are more',
    got: `${size} bytes`,
  });
}
