import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Background } from '../../base/contract/background.ts';
import type { Job } from '../../base/contract/job.ts';
import type { ObjectStore, StoreResolver } from '../../base/contract/object-store.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { readSample } from '../../base/formats/file-sample.ts';
import { withFileErrors } from '../../data/file-store/file-errors.ts';
import { type CopiedModel, copyModel, LARGEST_GRAPH, refuseLargeGraph } from '../../model/onnx/copy-model.ts';
import { digestOfFiles } from '../../model/onnx/external-data.ts';
import { folderAsModel } from '../../model/onnx/foreign-folder.ts';
import { foreignModel } from '../../model/onnx/foreign-model.ts';

/** A copy of the model that only this process knows: a file that is replaced during a run changes nothing. */
export interface LocalModel extends CopiedModel {
  /** Beside which rows the job explains it. */
  readonly background: Background | null;
  /** The job's pin, or what a model without one has; every child compares what it loads. */
  readonly sha256: string;
}

const MOST_NAMES = 100;

/** Names of the first files below a key that is no object, relative to it. */
async function someFiles(store: ObjectStore, key: string): Promise<string[]> {
  const prefix = `${key.replace(/\/+$/, '')}/`;
  const names: string[] = [];
  try {
    for await (const object of store.list(prefix)) {
      names.push(object.key.slice(prefix.length));
      if (names.length >= MOST_NAMES) break;
    }
  } catch (error) {
    // The model is not there, whether or not one may list.
    if (!isPrescoreError(error)) throw error;
  }
  return names;
}

/**
 * Copies a model to the scratch folder, and reads the rows that the job explains it beside. Children hash the bytes they load, so a pinned one is not hashed here.
 *
 * Errors: MODEL_NOT_FOUND, MODEL_UNPINNED (with the sha256 to write down), MODEL_EXTERNAL_DATA, MODEL_INVALID above 2 GiB and of a folder;
 * those of the store and of the scratch folder, and of `fetchBackground`.
 */
export async function fetchModel(
  job: Pick<Job, 'model' | 'features'>,
  stores: StoreResolver,
  scratchDir: string,
  allowUnpinned: boolean,
): Promise<LocalModel> {
  const { store, key, uri } = stores.at(job.model.uri);
  const info = await store.head(key);
  if (info === null) throw folderAsModel(await someFiles(store, key), uri);
  if (info.size > LARGEST_GRAPH) {
    // Checkpoints can be of any size.
    const sample = await readSample(
      async (offset, length) => {
        const into = new Uint8Array(length);
        await store.readRange(key, { offset, length }, info.etag, into);
        return into;
      },
      info.size,
      uri,
    );
    const foreign = foreignModel(sample, uri);
    if (foreign !== null) throw foreign;
    refuseLargeGraph(info.size, uri);
  }
  const folder = await withFileErrors(scratchDir, () => mkdtemp(join(scratchDir, 'model-')));
  const model = await copyModel({ store, key, uri }, info, folder, withFileErrors);
  const background = await backgroundOf(job, stores, scratchDir);
  if (job.model.sha256 !== null) return { ...model, background, sha256: job.model.sha256 };
  const sha256 = digestOfFiles(await fileDigest(model.path), model.weights);
  if (allowUnpinned) return { ...model, background, sha256 };
  const what = 'model.sha256 is missing';
  throw new PrescoreError('MODEL_UNPINNED', { what, where: 'model.sha256', expected: sha256, got: 'nothing' });
}

async function backgroundOf(
  job: Pick<Job, 'model' | 'features'>,
  stores: StoreResolver,
  scratchDir: string,
): Promise<Background | null> {
  if (job.model.background === undefined) return null;
  // DuckDB is not loaded for jobs that have none.
  const { fetchBackground } = await import('./fetch-background.ts');
  return fetchBackground(job.model.background, job.features, stores, scratchDir);
}
