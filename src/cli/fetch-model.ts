import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../contract/job.ts';
import type { StoreResolver } from '../contract/object-store.ts';
import { PrescoreError } from '../errors/prescore-error.ts';

const MAX_MODEL_BYTES = 2 * 1024 ** 3;

export interface LocalModel {
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
}

/**
 * Brings a model to this machine. Children hash the bytes they load, so nothing is trusted here.
 *
 * Errors: MODEL_NOT_FOUND, MODEL_UNPINNED (with the sha256 to write down), MODEL_INVALID above 2 GiB.
 */
export async function fetchModel(job: Job, stores: StoreResolver, scratchDir: string, allowUnpinned: boolean): Promise<LocalModel> {
  const { store, key, uri } = stores.at(job.model.uri);
  const info = await store.head(key);
  if (info === null) throw new PrescoreError('MODEL_NOT_FOUND', { what: 'there is no model', where: uri });
  if (info.size > MAX_MODEL_BYTES) {
    throw new PrescoreError('MODEL_INVALID', { what: 'model is larger than an ONNX file can be', where: uri, expected: 'at most 2 GiB', got: `${info.size} bytes` });
  }
  const local = store.localPath(key);
  if (local !== null && (job.model.sha256 !== null || allowUnpinned)) return { path: local, bytes: info.size };
  const bytes = new Uint8Array(info.size);
  await store.readRange(key, { offset: 0, length: info.size }, info.etag, bytes);
  if (job.model.sha256 === null && !allowUnpinned) {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    throw new PrescoreError('MODEL_UNPINNED', { what: 'model.sha256 is missing', where: 'model.sha256', expected: sha256, got: 'nothing' });
  }
  const path = join(scratchDir, 'model.onnx');
  await writeFile(path, bytes);
  return { path, bytes: info.size };
}
