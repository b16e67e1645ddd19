import { statSync } from 'node:fs';
import type { ModelFiles } from '../../base/contract/model-files.ts';
import type { Location } from '../../base/contract/object-store.ts';
import { digestOfFiles, weightsBytes } from '../../model/onnx/external-data.ts';
import type { SeatOptions } from '../child/live-seat.ts';
import { digestOf, scratchCopies, writeModel } from './local-model.ts';
import { type FolderModel, readDigest, refuseForeign } from './model-folder.ts';

/** A model's file as a source gives it: how it is scored is said elsewhere. */
export type SourceFile = Omit<SeatOptions['model'], keyof ExactWish> & { readonly sha256: string };

/** Whether a model's rows must get the same bits in every batch, and the policy that is known to do it. */
export type ExactWish = Pick<SeatOptions['model'], 'exact' | 'policy'>;

/** Where the bytes of a version come from. */
export interface VersionSource {
  /** Of the model's files. */
  readonly bytes: number;
  /** Of the model's object in the folder; null for models that were given. */
  readonly key: string | null;
  /** What the model must be. Errors: MODEL_UNPINNED, MODEL_CHECKSUM; those of the store. */
  digest(): Promise<string>;
  /** Makes the file ready on this machine. Errors: those of `digest`, MODEL_INVALID; those of the store. */
  fetch(): Promise<SourceFile>;
  /** Called when the version is unloaded, or its load has failed. */
  release(): Promise<void>;
}

/** Live answers are the same bits as batch answers: one thread, one provider. */
export const SESSION = { intraOpThreads: 1, trees: 'auto', device: 'cpu' } as const;

/** A version of a model folder: copied into the scratch folder while it is loaded. */
export function folderSource(
  folder: Location,
  model: FolderModel,
  scratchDir: string,
  allowUnpinned: boolean,
): VersionSource {
  const where = folder.store.uriOf(model.model.key);
  const isUnpinned = allowUnpinned && model.digest === null;
  const { copy, release } = scratchCopies(scratchDir);
  return {
    bytes: model.model.size + model.besideBytes,
    key: model.model.key,
    digest: () => readDigest(folder, model),
    fetch: async () => {
      if (model.isForeign) await refuseForeign(folder, model);
      const pinned = isUnpinned ? null : await readDigest(folder, model);
      const { path, weights } = await copy(folder, model.model);
      return { path, weights, where, sha256: pinned ?? digestOfFiles(await digestOf(path), weights), ...SESSION };
    },
    release,
  };
}

/** A model that is given as bytes: written into the scratch folder when it is first loaded, and kept there. */
export function bytesSource(name: string, bytes: Uint8Array, sha256: string, path: string): VersionSource {
  let unwritten: Uint8Array | null = bytes;
  const file = givenSource(name, { path }, bytes.length, sha256);
  const fetch = async (): ReturnType<VersionSource['fetch']> => {
    if (unwritten !== null) await writeModel(unwritten, path);
    unwritten = null;
    return file.fetch();
  };
  return { ...file, fetch };
}

/** Files that nobody changes while they are served. */
export function fileSource(name: string, files: ModelFiles, sha256: string): VersionSource {
  const { path, weights = [] } = files;
  const graphBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return givenSource(name, files, graphBytes + weightsBytes(weights), sha256);
}

function givenSource(name: string, files: ModelFiles, bytes: number, sha256: string): VersionSource {
  return {
    bytes,
    key: null,
    digest: async () => sha256,
    fetch: async () => ({ ...files, where: name, sha256, ...SESSION }),
    release: async () => undefined,
  };
}
