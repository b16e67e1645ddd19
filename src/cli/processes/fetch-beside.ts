import { join } from 'node:path';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { RegistryFile } from '../../base/contract/registry.ts';
import { fileDigest } from '../../base/disk/file-digest.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { withFileErrors } from '../../data/file-store/file-errors.ts';
import { copyObject } from '../../model/onnx/copy-model.ts';

/**
 * Copies files that come along with a model into its folder, each under its own name. One that is among the model's weights is there already.
 *
 * Errors: INPUT_NOT_FOUND; USAGE for two of one name; those of the stores and of the scratch folder.
 */
export async function fetchBeside(
  modelUri: string,
  uris: readonly string[],
  model: readonly RegistryFile[],
  folder: string,
  stores: StoreResolver,
): Promise<RegistryFile[]> {
  const { key: modelKey } = stores.at(modelUri);
  const home = modelKey.slice(0, modelKey.lastIndexOf('/') + 1);
  const weights = new Set(model.slice(1).map(({ path }) => `${home}${path}`));
  const files: RegistryFile[] = [];
  for (const uri of uris) {
    const place = stores.at(uri);
    if (weights.has(place.key)) continue;
    const path = place.key.slice(place.key.lastIndexOf('/') + 1);
    if ([...model, ...files].some((one) => one.path === path || one.path.startsWith(`${path}/`))) {
      const what = 'two files of the version would have one name';
      throw new PrescoreError('USAGE', { what, where: uri, got: path, fix: 'Rename one of them.' });
    }
    const info = await place.store.head(place.key);
    if (info === null) throw new PrescoreError('INPUT_NOT_FOUND', { what: 'the file is not there', where: place.uri });
    const target = join(folder, path);
    await copyObject(place, info, target, withFileErrors);
    files.push({ path, bytes: info.size, sha256: await withFileErrors(target, () => fileDigest(target)) });
  }
  return files;
}
