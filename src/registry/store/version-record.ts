import { createHash } from 'node:crypto';
import type { RegistryFile, TombstoneRecord, VersionRecord } from '../../base/contract/registry.ts';
import { corrupt, decodeRecord, isCount, isSha256, isVersion, type Unread } from './record-text.ts';

/** `claim.json`: somebody adds a version under this number. It stays, so that the number cannot be had twice. */
export interface ClaimRecord {
  readonly format: 1;
  readonly name: string;
  readonly version: number;
  readonly at: string;
  readonly by: string;
  readonly digest: string;
  /** Of the list of all files: whoever has the same files may finish the version. */
  readonly contents: string;
}

/** In place of a version's record: its adder is taken for dead, and nobody else can finish it any more. */
export interface AbandonedRecord {
  readonly format: 1;
  readonly name: string;
  readonly version: number;
  readonly abandoned: { readonly at: string; readonly by: string };
}

/** One digest over names and bytes of all files, in the order of their paths. */
export function contentsOf(files: readonly RegistryFile[]): string {
  const sorted = files.map(({ path, sha256 }) => `${path}\n${sha256}\n`).sort();
  return createHash('sha256').update(sorted.join('')).digest('hex');
}

/** The record of a version, or that it was given up. Errors: REGISTRY_CORRUPT. */
export function readVersionRecord(
  bytes: Uint8Array,
  where: string,
  name: string,
  version: number,
): VersionRecord | AbandonedRecord {
  const found = decodeRecord<VersionRecord & AbandonedRecord>(bytes, where);
  requirePlace(found, where, name, version);
  if (found.abandoned !== undefined) return found as AbandonedRecord;
  if (!isSha256(found.digest)) throw corrupt('the record has no digest', where);
  const { files, modelFiles, main } = found;
  const isList = Array.isArray(files) && files.every(isFile);
  if (!isList || files.length === 0) throw corrupt('the record has no list of files', where);
  if (main !== (files[0] as RegistryFile).path) throw corrupt('the first file of the record is not its model', where);
  if (!isVersion(modelFiles) || modelFiles > files.length) throw corrupt('modelFiles of the record cannot be', where);
  if (typeof found.lineage !== 'object' || found.lineage === null) throw corrupt('the record has no lineage', where);
  if (typeof found.createdAt !== 'string') throw corrupt('the record has no createdAt', where);
  return found as VersionRecord;
}

/** Errors: REGISTRY_CORRUPT. */
export function readClaim(bytes: Uint8Array, where: string, name: string, version: number): ClaimRecord {
  const found = decodeRecord<ClaimRecord>(bytes, where);
  requirePlace(found, where, name, version);
  if (!isSha256(found.digest) || !isSha256(found.contents)) throw corrupt('the claim has no digests', where);
  if (typeof found.at !== 'string' || Number.isNaN(Date.parse(found.at))) throw corrupt('the claim has no time', where);
  return found as ClaimRecord;
}

/** Errors: REGISTRY_CORRUPT. */
export function readTombstone(bytes: Uint8Array, where: string): TombstoneRecord {
  const found = decodeRecord<TombstoneRecord>(bytes, where);
  if (typeof found.at !== 'string' || typeof found.by !== 'string' || typeof found.reason !== 'string')
    throw corrupt('the tombstone does not say when, by whom and why', where);
  return found as TombstoneRecord;
}

// A folder that was copied to another place is no version of that place.
function requirePlace(found: Unread<ClaimRecord>, where: string, name: string, version: number): void {
  if (found.name === name && found.version === version) return;
  throw corrupt(
    'the record is of another place',
    where,
    `${name}/${version}`,
    `${String(found.name)}/${String(found.version)}`,
  );
}

function isFile(value: unknown): value is RegistryFile {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, sha256 } = value as Unread<RegistryFile>;
  return typeof path === 'string' && path !== '' && isCount(bytes) && isSha256(sha256);
}
