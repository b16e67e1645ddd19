import { createHash } from 'node:crypto';
import type { SetOrder, ValueColumn } from '../../base/contract/prediction-set.ts';
import type { Manifest, RunOrder } from '../../base/contract/records.ts';

/** A text that sorts as runs do: slot (`-`, before every one, where there is none yet), plan creation, run id. */
export function latestKey(order: RunOrder, runId: string): string {
  return `${order.logicalTime ?? '-'} ${order.createdAt} ${runId}`;
}

/** The order of a publication of these manifests: one for `latest`, one per partition for `union`. */
export function orderOf(scope: SetOrder['scope'], manifests: readonly Manifest[]): SetOrder {
  if (scope === 'latest') {
    const newest = manifests[0]!;
    return { scope, key: latestKey(newest.order, newest.runId) };
  }
  const numbers: Record<string, number> = Object.create(null);
  for (const manifest of manifests) numbers[manifest.partition ?? ''] = manifest.n;
  return { scope, manifests: numbers };
}

/**
 * Whether `next` may replace `current`: it must be newer. A union is newer when it falls behind in no entry and is ahead in
 * one. Orders of two scopes do not compare: the newer definition wins.
 */
export function isNewer(next: SetOrder, current: SetOrder): boolean {
  if (next.scope === 'latest') return current.scope !== 'latest' || next.key > current.key;
  if (current.scope !== 'union') return true;
  let isAhead = false;
  for (const [partition, n] of Object.entries(current.manifests)) {
    const own = Object.hasOwn(next.manifests, partition) ? next.manifests[partition] : undefined;
    if (own === undefined || own < n) return false;
    if (own > n) isAhead = true;
  }
  return isAhead || Object.keys(next.manifests).length > Object.keys(current.manifests).length;
}

/** Whether two orders are of the same runs. */
export function isSameOrder(a: SetOrder, b: SetOrder): boolean {
  if (a.scope === 'latest' || b.scope === 'latest')
    return a.scope === b.scope && 'key' in a && 'key' in b && a.key === b.key;
  const partitions = Object.keys(a.manifests);
  if (partitions.length !== Object.keys(b.manifests).length) return false;
  return partitions.every((p) => Object.hasOwn(b.manifests, p) && a.manifests[p] === b.manifests[p]);
}

/** The order that is at least both: what a union has ever published. */
export function highestOrder(a: SetOrder | null, b: SetOrder): SetOrder {
  if (a === null || a.scope !== b.scope) return b;
  if (a.scope === 'latest' || b.scope === 'latest') return isNewer(b, a) ? b : a;
  const numbers: Record<string, number> = Object.assign(Object.create(null), a.manifests);
  for (const [partition, n] of Object.entries(b.manifests)) numbers[partition] = Math.max(n, numbers[partition] ?? 0);
  return { scope: 'union', manifests: numbers };
}

/** What is published, as a digest: equal ones have the same pages but for their time of publication. */
export function publicationId(
  manifests: readonly Manifest[],
  key: readonly string[],
  columns: readonly ValueColumn[],
  onDuplicateKey: string,
): string {
  const runs = manifests.map((m) => [m.partition, m.n, m.runId, m.parts.map((p) => p.sha256)]);
  const text = JSON.stringify(['pages-1', runs, key, columns.map((c) => [c.name, c.type]), onDuplicateKey]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
