import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import type { CollectedVersion, CollectOptions } from '../../base/contract/registry.ts';
import { WAITING } from '../../data/object-store/plain-path.ts';
import { abandon, deleteFiles } from './abandon-version.ts';
import type { LabelChain } from './label-chain.ts';
import { RECORDS } from './layout.ts';
import { findAll, listNumbers } from './list-versions.ts';
import { removeVersions } from './remove-versions.ts';
import type { FoundVersion } from './version-state.ts';

/** A claim this old, and not finished, is taken for that of a dead adder. */
export const CLAIM_DAYS = 1;
const DAY_MS = 86_400_000;

/**
 * Versions that nothing needs: not one of the newest `keep`, named by no label, used by nothing. And claims that nobody finishes. Those of plain
 * folders are not looked at.
 *
 * Errors: REGISTRY_CORRUPT; those of the store.
 */
export async function collectVersions(
  root: Location,
  chain: LabelChain,
  name: string,
  options: CollectOptions,
): Promise<CollectedVersion[]> {
  const { keep, used, by, nowMs, isApplied } = options;
  const files = await listNumbers(root, name);
  const head = await chain.head();
  const newestFirst = [...files.keys()].sort((a, b) => b - a);
  const all = await findAll(root, name, newestFirst);
  const labelled = new Map(Object.entries(head?.labels ?? {}).map(([label, version]) => [version, label]));
  const collected: CollectedVersion[] = [];
  const toDelete: number[] = [];
  let kept = 0;
  for (const found of all) {
    const { version } = found;
    const own = files.get(version) ?? [];
    const bytes = modelBytes(own);
    if (isApplied) await dropWaiting(root, own, nowMs);
    const said = (digest: string | null, outcome: CollectedVersion['outcome'], why: string): void =>
      void collected.push({ name, version, digest, bytes, outcome, why });
    if (found.state === 'ready') {
      const { digest } = found.record;
      const isDying = head?.removed.includes(version) === true;
      if (!isDying && kept++ < keep) continue;
      const label = labelled.get(version);
      const use = label === undefined ? used.get(digest) : `the label ${label} names it`;
      if (use !== undefined && !isDying) said(digest, 'kept', use);
      else {
        toDelete.push(version);
        said(digest, 'deleted', isDying ? 'its deletion was begun' : `not one of the newest ${keep}`);
      }
    } else if (found.state === 'deleted' && bytes > 0) {
      toDelete.push(version);
      said(found.record.digest, 'deleted', 'its deletion was begun');
    } else if (isDead(found, nowMs) || (found.state === 'abandoned' && bytes > 0)) {
      const why = `claimed over ${CLAIM_DAYS} day ago and not finished`;
      if (!isApplied) said(null, 'abandoned', why);
      // Whoever finishes it now is faster: then it is a version.
      else if (found.state === 'abandoned' || (await abandon(root, name, version, by, nowMs))) {
        await deleteFiles(root, name, version);
        said(null, 'abandoned', why);
      }
    }
  }
  const reason = `models gc --keep ${keep}`;
  if (isApplied && toDelete.length > 0) await removeVersions(root, chain, name, toDelete, { by, reason, nowMs });
  return collected;
}

function isDead(found: FoundVersion, nowMs: number): boolean {
  return found.state === 'unfinished' && nowMs - Date.parse(found.claim.at) > CLAIM_DAYS * DAY_MS;
}

// A killed adder's half of a file, in a version that another has finished.
async function dropWaiting(root: Location, files: readonly ObjectInfo[], nowMs: number): Promise<void> {
  for (const { key, modifiedMs } of files)
    if (key.includes(`/${WAITING}`) && nowMs - modifiedMs > CLAIM_DAYS * DAY_MS) await root.store.delete(key);
}

function modelBytes(files: readonly ObjectInfo[]): number {
  const records: readonly string[] = Object.values(RECORDS);
  const own = files.filter(({ key }) => !records.includes(key.slice(key.lastIndexOf('/') + 1)));
  return own.reduce((sum, { size }) => sum + size, 0);
}
