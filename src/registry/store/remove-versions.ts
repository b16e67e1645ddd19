import type { Location } from '../../base/contract/object-store.ts';
import type { LabelRecord, TombstoneRecord, VersionRecord } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { deleteFiles } from './abandon-version.ts';
import type { LabelChain } from './label-chain.ts';
import { RECORDS, versionKey } from './layout.ts';
import { encodeRecord } from './record-text.ts';
import { readTombstone } from './version-record.ts';
import { findVersion, readFile } from './version-state.ts';

const MOST_TRIES = 200;

/** Who deletes, and why. */
export interface Removal {
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Deletes versions. A link of the chain comes first: from it on no label can move to them, and a label that was faster is seen here. Then
 * their tombstones, then their files; a killed deletion is carried on by the next one.
 *
 * Errors: REGISTRY_IN_USE; REGISTRY_UNKNOWN; REGISTRY_CORRUPT; those of the store.
 */
export async function removeVersions(
  root: Location,
  chain: LabelChain,
  name: string,
  versions: readonly number[],
  removal: Removal,
): Promise<TombstoneRecord[]> {
  const records = new Map<number, VersionRecord>();
  for (const version of versions) records.set(version, await recordOf(root, name, version));
  await markRemoved(chain, name, versions, removal);
  const tombstones: TombstoneRecord[] = [];
  for (const [version, { digest }] of records) {
    tombstones.push(await putTombstone(root, name, version, digest, removal));
    await deleteFiles(root, name, version);
  }
  return tombstones;
}

async function recordOf(root: Location, name: string, version: number): Promise<VersionRecord> {
  const found = await findVersion(root, name, version);
  if (found.state === 'ready' || found.state === 'deleted') return found.record;
  const what = found.state === 'absent' ? 'there is no such version' : 'the version has no version.json';
  throw new PrescoreError('REGISTRY_UNKNOWN', { what, where: `${name}/${version}` });
}

async function markRemoved(
  chain: LabelChain,
  name: string,
  versions: readonly number[],
  { by, reason, nowMs }: Removal,
): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const head: LabelRecord | null = await chain.head();
    for (const [label, version] of Object.entries(head?.labels ?? {}))
      if (versions.includes(version)) throw inUse(name, label, version);
    const before = head?.removed ?? [];
    if (versions.every((version) => before.includes(version))) return;
    const removed = [...new Set([...before, ...versions])].sort((a, b) => a - b);
    const link = { at: new Date(nowMs).toISOString(), by, reason, labels: head?.labels ?? {}, evidence: [], removed };
    if ((await chain.append(head, link)) !== null) return;
  }
  throw new PrescoreError('LABEL_MOVED', { what: `the labels moved ${MOST_TRIES} times meanwhile`, where: name });
}

async function putTombstone(
  root: Location,
  name: string,
  version: number,
  digest: string,
  { by, reason, nowMs }: Removal,
): Promise<TombstoneRecord> {
  const record: TombstoneRecord = { format: 1, at: new Date(nowMs).toISOString(), by, reason, digest };
  const key = versionKey(root, name, version, RECORDS.tombstone);
  if ((await root.store.putIfAbsent(key, encodeRecord(record))).created) return record;
  const there = await readFile(root, name, version, RECORDS.tombstone);
  return there === null ? record : readTombstone(there.bytes, there.where);
}

function inUse(name: string, label: string, version: number): PrescoreError {
  const what = `the label ${label} names the version`;
  const fix = `Move it first: prescore models label ${name}@${label} VERSION --reason …`;
  return new PrescoreError('REGISTRY_IN_USE', { what, where: `${name}/${version}`, fix });
}
