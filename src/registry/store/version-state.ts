import {
  DIGEST_FILE_BYTES,
  digestInText,
  FOLDER_DIGESTS,
  FOLDER_MODEL,
  FOLDER_NATIVE,
} from '../../base/contract/model-folder-names.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { TombstoneRecord, VersionRecord } from '../../base/contract/registry.ts';
import { RECORDS, versionKey } from './layout.ts';
import { type ClaimRecord, readClaim, readTombstone, readVersionRecord } from './version-record.ts';

/** What there is under a number. */
export type FoundVersion =
  | { readonly state: 'ready'; readonly version: number; readonly record: VersionRecord }
  | {
      readonly state: 'deleted';
      readonly version: number;
      readonly record: VersionRecord;
      readonly tombstone: TombstoneRecord;
    }
  /** Without a record: the file of its model, and what its digest file says. */
  | { readonly state: 'plain'; readonly version: number; readonly main: string; readonly digest: string | null }
  | { readonly state: 'unfinished'; readonly version: number; readonly claim: ClaimRecord }
  | { readonly state: 'abandoned'; readonly version: number }
  | { readonly state: 'absent'; readonly version: number };

/** Looks at one number. Errors: REGISTRY_CORRUPT; those of the store. */
export async function findVersion(root: Location, name: string, version: number): Promise<FoundVersion> {
  const [own, gravestone] = await Promise.all([
    readFile(root, name, version, RECORDS.version),
    readFile(root, name, version, RECORDS.tombstone),
  ]);
  if (own === null) return unrecorded(root, name, version);
  const record = readVersionRecord(own.bytes, own.where, name, version);
  if ('abandoned' in record) return { state: 'abandoned', version };
  if (gravestone === null) return { state: 'ready', version, record };
  return { state: 'deleted', version, record, tombstone: readTombstone(gravestone.bytes, gravestone.where) };
}

async function unrecorded(root: Location, name: string, version: number): Promise<FoundVersion> {
  const claim = await readFile(root, name, version, RECORDS.claim);
  if (claim !== null)
    return { state: 'unfinished', version, claim: readClaim(claim.bytes, claim.where, name, version) };
  const prefix = versionKey(root, name, version);
  const files = new Set<string>();
  for await (const { key } of root.store.list(prefix)) files.add(key.slice(prefix.length));
  // An ONNX file comes first, whatever else lies beside it.
  const main = files.has(FOLDER_MODEL) ? FOLDER_MODEL : [...files].find((file) => FOLDER_NATIVE.test(file));
  if (main === undefined) return { state: 'absent', version };
  return { state: 'plain', version, main, digest: await plainDigest(root, name, version, files) };
}

async function plainDigest(
  root: Location,
  name: string,
  version: number,
  files: ReadonlySet<string>,
): Promise<string | null> {
  for (const digest of FOLDER_DIGESTS) {
    const file = [...files].find((one) => digest.test(one));
    if (file === undefined) continue;
    const stored = await root.store.get(versionKey(root, name, version, file), { maxBytes: DIGEST_FILE_BYTES });
    return stored === null ? null : digestInText(Buffer.from(stored.bytes).toString('utf8'));
  }
  return null;
}

/** The bytes of a record, and its URI. */
export async function readFile(
  root: Location,
  name: string,
  version: number,
  file: string,
): Promise<{ readonly bytes: Uint8Array; readonly where: string } | null> {
  const key = versionKey(root, name, version, file);
  const found = await root.store.get(key);
  return found === null ? null : { bytes: found.bytes, where: root.store.uriOf(key) };
}
