import type { StoreResolver } from '../../base/contract/object-store.ts';
import { isFree, LEASE, newestLease } from './lease.ts';
import { listRunIds } from './list-runs.ts';
import { ManifestChain } from './manifest-chain.ts';
import type { RecordStore } from './record-store.ts';
import { RunLedger } from './run-ledger.ts';
import { RunRequests } from './run-requests.ts';
import { liveShard } from './shard-split.ts';

/** One thing that no manifest needs. */
export interface Garbage {
  readonly kind: 'staged' | 'part';
  readonly runId: string;
  readonly uri: string;
}

export interface GarbageOptions {
  readonly olderThanMs: number;
  readonly isApplied: boolean;
  readonly nowMs: number;
  /** Folder of a partition's manifests; given in, because names of partitions belong to the spec room. */
  readonly folderOf: (partition: string | null) => string;
}

/**
 * Finds (and with `isApplied` removes) what is not needed: staged parts of runs that are committed, or unfinished and older
 * than asked with no live owner; and parts in the outputs that the current manifest does not name and whose run is as old.
 * A run with a live lease, or that workers are to finish, is never touched, and no manifest or record is.
 */
export async function collectGarbage(
  records: RecordStore,
  stores: StoreResolver,
  options: GarbageOptions,
): Promise<Garbage[]> {
  const found: Garbage[] = [];
  const outputs = new Map<string, string | null>();
  const busy = new Set<string>();
  const recent = new Set<string>();
  const requests = new RunRequests(records);
  for (const runId of await listRunIds(records)) {
    const ledger = new RunLedger(records, runId);
    const [plan, lease] = await Promise.all([ledger.readPlan(), newestLease(records, ledger.folder)]);
    if ((lease !== null && !isFree(lease)) || (await liveShard(ledger)) !== null) busy.add(runId);
    // Workers score chunks without a lease.
    const asked = await requests.newest(runId);
    if (asked !== null && asked.end === null) busy.add(runId);
    const renewed = lease === null ? 0 : Date.parse(lease.expiresAt) - LEASE.ttlMs;
    const touched = Math.max(renewed, Date.parse(plan?.createdAt ?? '') || 0);
    if (options.nowMs - touched < options.olderThanMs) recent.add(runId);
    if (plan === null) continue;
    outputs.set(plan.outputUri, plan.partition);
    if (busy.has(runId) || (recent.has(runId) && (await ledger.commitNote()) === null)) continue;
    const { store, key } = stores.at(`${plan.outputUri}/`);
    if (!(await store.hasStaged(key, runId))) continue;
    found.push({ kind: 'staged', runId, uri: plan.outputUri });
    if (options.isApplied) await store.dropStaged(key, runId);
  }
  for (const [outputUri, partition] of outputs) {
    const current = await new ManifestChain(records, stores, options.folderOf(partition), outputUri).current();
    const named = new Set(current?.parts.map((p) => p.name) ?? []);
    for await (const { name, uri, runId } of partsIn(outputUri, stores)) {
      if (named.has(name) || busy.has(runId) || recent.has(runId)) continue;
      found.push({ kind: 'part', runId, uri });
      if (!options.isApplied) continue;
      const { store, key } = stores.at(uri);
      await store.delete(key);
    }
  }
  return found;
}

async function* partsIn(
  outputUri: string,
  stores: StoreResolver,
): AsyncGenerator<{ name: string; uri: string; runId: string }> {
  const { store, key } = stores.at(`${outputUri}/`);
  const prefix = key.endsWith('/') ? key : `${key}/`;
  for await (const info of store.list(prefix)) {
    const name = info.key.slice(prefix.length);
    const runId = /^part-\d{5,}-(.+)\.parquet$/.exec(name)?.[1];
    if (runId !== undefined && !name.includes('/')) yield { name, uri: `${outputUri}/${name}`, runId };
  }
}
