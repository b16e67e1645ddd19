import { FOLDER_DIGESTS, FOLDER_MODEL, FOLDER_NATIVE } from '../../base/contract/model-folder-names.ts';
import { requireModelName, VERSION_NUMBER } from '../../base/contract/model-ref.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { RegistryFile } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { isPlainPath } from '../../data/object-store/plain-path.ts';
import { joinKey } from '../../data/object-store/uri.ts';

export const LABELS = '_labels';
/** Records of a version; model files cannot have these names. */
export const RECORDS = { version: 'version.json', claim: 'claim.json', tombstone: 'tombstone.json' } as const;
/** Versions that are read at the same time, and bytes of records that are thought of as heavy. */
export const READS = { most: 16, mostWeight: Number.POSITIVE_INFINITY } as const;

/** The folder of a name, with its trailing slash. Errors: USAGE. */
export function nameKey(root: Location, name: string): string {
  requireModelName(name);
  return joinKey(root.key, `${name}/`);
}

export function versionKey(root: Location, name: string, version: number, file = ''): string {
  return `${nameKey(root, name)}${version}/${file}`;
}

export function labelKey(root: Location, name: string, n: number | '' = ''): string {
  return `${nameKey(root, name)}${LABELS}/${n === '' ? '' : `${n}.json`}`;
}

/** The number of a version's folder; null of other folders. */
export function versionOf(folder: string): number | null {
  return VERSION_NUMBER.test(folder) ? Number(folder) : null;
}

/** Errors: USAGE for a path that is not below the version's folder, or is that of a record. */
export function checkPaths(files: readonly RegistryFile[]): void {
  const names: readonly string[] = Object.values(RECORDS);
  const seen = new Set<string>();
  const main = files[0]?.path ?? '';
  for (const { path } of files) {
    // What readers of plain folders would take for the model, or for its digest.
    const isTaken = path !== main && [...FOLDER_DIGESTS, FOLDER_NATIVE].some((name) => name.test(path));
    const isOwn = !names.includes(path) && !isTaken && (path !== FOLDER_MODEL || path === main) && !seen.has(path);
    seen.add(path);
    if (isPlainPath(path) && isOwn) continue;
    const expected = `a relative path below the version's folder, each once, none of a second model and none of ${names.join(', ')}`;
    throw new PrescoreError('USAGE', { what: 'a file cannot have this name', expected, got: JSON.stringify(path) });
  }
}

/** The digest file that readers of plain model folders look for. */
export function digestFile(main: string): string {
  return `${main}.sha256`;
}
