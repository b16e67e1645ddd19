import { MODEL_NAME } from '../../base/contract/model-ref.ts';
import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import type { LabelRecord, ListedVersion } from '../../base/contract/registry.ts';
import { together } from '../../base/lanes/together.ts';
import { WAITING } from '../../data/object-store/plain-path.ts';
import { LABELS, nameKey, READS, RECORDS, versionKey, versionOf } from './layout.ts';
import { type FoundVersion, findVersion } from './version-state.ts';

/** Names that have a version or a label, sorted. Errors: those of the store. */
export async function listNames(root: Location): Promise<string[]> {
  const prefix = root.key === '' || root.key.endsWith('/') ? root.key : `${root.key}/`;
  const names = new Set<string>();
  for await (const { key } of root.store.list(prefix)) {
    const [name = '', folder = '', file] = key.slice(prefix.length).split('/');
    if (file !== undefined && MODEL_NAME.test(name) && (folder === LABELS || versionOf(folder) !== null))
      names.add(name);
  }
  return [...names].sort();
}

/**
 * The files below the folders of versions, by number. What was added since the listing began is found by probing upward; that has no files
 * here. Errors: those of the store.
 */
export async function listNumbers(root: Location, name: string): Promise<Map<number, ObjectInfo[]>> {
  const prefix = nameKey(root, name);
  const found = new Map<number, ObjectInfo[]>();
  const waiting: [number, ObjectInfo][] = [];
  for await (const info of root.store.list(prefix)) {
    const [folder = '', ...path] = info.key.slice(prefix.length).split('/');
    const version = versionOf(folder);
    if (version === null || path.length === 0) continue;
    const files = found.get(version);
    // Half of a claim, perhaps: no number is taken by it.
    if (path.some((step) => step.startsWith(WAITING))) waiting.push([version, info]);
    else if (files === undefined) found.set(version, [info]);
    else files.push(info);
  }
  for (const [version, info] of waiting) found.get(version)?.push(info);
  for (let next = Math.max(0, ...found.keys()) + 1; await isClaimed(root, name, next); next++) found.set(next, []);
  return found;
}

/** Versions by their numbers. Errors: REGISTRY_CORRUPT; those of the store. */
export function findAll(root: Location, name: string, numbers: readonly number[]): Promise<FoundVersion[]> {
  return together(
    numbers,
    READS,
    () => 1,
    (version) => findVersion(root, name, version),
  );
}

/** What is shown of a version; null of what never was one. */
export function listed(name: string, found: FoundVersion, head: LabelRecord | null): ListedVersion | null {
  const { version } = found;
  const named = Object.entries(head?.labels ?? {}).filter(([, to]) => to === version);
  const base = { name, version, labels: named.map(([label]) => label).sort(), record: null, tombstone: null };
  switch (found.state) {
    case 'ready': {
      const { record } = found;
      // Its deletion is decided, though its tombstone is not there yet.
      const state = head?.removed.includes(version) === true ? 'deleted' : 'ready';
      return { ...base, state, digest: record.digest, record };
    }
    case 'deleted':
      return {
        ...base,
        state: 'deleted',
        digest: found.record.digest,
        record: found.record,
        tombstone: found.tombstone,
      };
    case 'plain':
      return { ...base, state: 'plain', digest: found.digest };
    case 'unfinished':
      return { ...base, state: 'unfinished', digest: found.claim.digest };
    default:
      return null;
  }
}

async function isClaimed(root: Location, name: string, version: number): Promise<boolean> {
  return (await root.store.head(versionKey(root, name, version, RECORDS.claim))) !== null;
}
