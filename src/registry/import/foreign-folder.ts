import type { Location } from '../../base/contract/object-store.ts';
import { joinKey } from '../../data/object-store/uri.ts';
import { copyObject } from '../../model/onnx/copy-model.ts';
import { plainPath } from './plain-path.ts';
import { refused } from './refusals.ts';

/** A file as a listing has it. */
export interface ForeignFile {
  /** Below the folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
}

/** A folder of another tool: on this machine, in a store, behind a tracking server. Paths that come out of it are plain (`plainPath`). */
export interface ForeignFolder {
  /** For messages, without credentials. */
  readonly where: string;
  /** All files below it. Errors: IMPORT_REFUSED for hostile names and above `MOST_FILES`; those of the place. */
  list(): Promise<readonly ForeignFile[]>;
  /** A small file whole; null when there is none. Errors: IMPORT_REFUSED when it is larger than `maxBytes`; those of the place. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** Copies a file to a new file of this machine. Errors: IMPORT_REFUSED when it is not there; those of the place and of the disk. */
  copy(path: string, target: string): Promise<void>;
}

/** Far more than any tool writes beside one model. */
export const MOST_FILES = 2000;

/** A folder of a store. Errors: none. */
export function storeFolder(at: Location): ForeignFolder {
  const prefix = joinKey(at.key, '');
  const root = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  let listed: Promise<readonly ForeignFile[]> | null = null;
  return {
    where: at.uri,
    // Asked for each version, and for the weights of each.
    list: () => (listed ??= listStore(at, root)),
    read: async (path, maxBytes) => {
      const info = await at.store.head(root + path);
      if (info === null) return null;
      if (info.size > maxBytes) throw tooLarge(path, at.uri, maxBytes, info.size);
      return (await at.store.get(root + path, { maxBytes }))?.bytes ?? null;
    },
    copy: (path, target) => copyOut(at, root + path, target),
  };
}

export function tooLarge(path: string, where: string, maxBytes: number, got: number | null): Error {
  const fix = 'Look at the file: it is hardly what its name says.';
  return refused(`${path} is larger than ${maxBytes} bytes`, where, fix, got === null ? undefined : `${got} bytes`);
}

export function tooMany(where: string): Error {
  return refused(`there are more than ${MOST_FILES} files`, where, 'Name the folder of one model.');
}

async function listStore(at: Location, root: string): Promise<readonly ForeignFile[]> {
  const found: ForeignFile[] = [];
  for await (const { key, size } of at.store.list(root)) {
    const path = key.slice(root.length);
    // S3 consoles leave empty objects for folders.
    if (path === '' || path.endsWith('/')) continue;
    if (found.length === MOST_FILES) throw tooMany(at.uri);
    found.push({ path: plainPath(path, at.uri), bytes: size });
  }
  return found;
}

async function copyOut(at: Location, key: string, target: string): Promise<void> {
  const { store } = at;
  const uri = store.uriOf(key);
  const info = await store.head(key);
  if (info === null) throw refused('a file that belongs to the model is not there', uri);
  await copyObject({ store, key, uri }, info, target, (_, work) => work());
}
