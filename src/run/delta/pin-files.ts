import type { ObjectInfo, StoreResolver } from '../../base/contract/object-store.ts';
import type { TableVersion } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { DataFile } from './snapshot.ts';

const IN_FLIGHT = 32;
/** More files of an object store than these are looked for in a listing, which tells a thousand in a request. */
const FEW_FILES = 500;
/** A listing is given up when it has told so many names for each file that is looked for. */
const MOST_NAMES_A_FILE = 20;

/**
 * What the stores say of data files now, in their order: the log knows no version of their bytes.
 *
 * Errors: INPUT_GONE for a file that is not there, INPUT_CHANGED for one of another length than the log says; those of the store.
 */
export async function pinFiles(
  { uri: place, version }: TableVersion,
  files: readonly DataFile[],
  stores: StoreResolver,
): Promise<ObjectInfo[]> {
  const listed = await listedFiles(files, stores);
  const infos = new Array<ObjectInfo>(files.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < files.length) {
      const i = next++;
      const { uri, size } = files[i]!;
      const { store, key } = stores.at(uri);
      const info = listed.get(uri) ?? (await store.head(key));
      if (info === null) {
        throw new PrescoreError('INPUT_GONE', {
          what: `version ${version} of the Delta table needs a data file that is not there: it was deleted, as by a vacuum`,
          where: uri,
          fix: `Read a newer version of ${place}, or restore the file.`,
        });
      }
      if (info.size !== size) {
        throw new PrescoreError('INPUT_CHANGED', {
          what: 'a data file is not the one that the log of the Delta table names: it has another length',
          where: uri,
          expected: `${size} bytes`,
          got: `${info.size}`,
          fix: `Read a newer version of ${place}, or restore the file.`,
        });
      }
      infos[i] = info;
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, files.length) }, lane));
  return infos;
}

async function listedFiles(
  files: readonly DataFile[],
  stores: StoreResolver,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const found = new Map<string, ObjectInfo>();
  if (files.length <= FEW_FILES) return found;
  const places = files.map(({ uri }) => stores.at(uri));
  const { store } = places[0]!;
  if (store.kind === 'file' || places.some((place) => place.store !== store)) return found;
  const wanted = new Set(files.map(({ uri }) => uri));
  let names = 0;
  for await (const info of store.list(commonFolder(places.map(({ key }) => key)))) {
    const uri = store.uriOf(info.key);
    if (wanted.has(uri)) found.set(uri, info);
    if (found.size === wanted.size || ++names > MOST_NAMES_A_FILE * files.length) break;
  }
  return found;
}

function commonFolder(keys: readonly string[]): string {
  const [first = ''] = keys;
  let length = first.length;
  for (const key of keys) while (!key.startsWith(first.slice(0, length))) length--;
  return first.slice(0, first.slice(0, length).lastIndexOf('/') + 1);
}
