import type { Plan } from '../contract/plan.ts';
import type { ChunkRecord, Lease } from '../contract/records.ts';
import { isFree, newestLease } from './lease.ts';
import type { RecordStore } from './record-store.ts';
import { RunLedger } from './run-ledger.ts';
import { liveShard } from './shard-split.ts';

export type RunState = 'committed' | 'running' | 'unfinished' | 'planning';

/** A run at a glance, from its records. */
export interface RunOverview {
  readonly runId: string;
  readonly state: RunState;
  readonly plan: Plan | null;
  readonly chunks: number;
  readonly chunksDone: number;
  readonly rowsDone: number;
  readonly rejected: number;
  readonly lease: Lease | null;
  readonly committedAt: string | null;
}

/** Ids of all runs below a state, in byte order. */
export async function listRunIds(records: RecordStore): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { name } of records.names('runs')) {
    const id = name.split('/')[0];
    if (id !== undefined && id !== '') ids.add(id);
  }
  return [...ids];
}

/** Reads one run's records; null when there are none. */
export async function readRun(
  records: RecordStore,
  runId: string,
): Promise<(RunOverview & { readonly records: readonly (ChunkRecord | null)[] }) | null> {
  const ledger = new RunLedger(records, runId);
  const [plan, note, lease] = await Promise.all([
    ledger.readPlan(),
    ledger.commitNote(),
    newestLease(records, ledger.folder),
  ]);
  if (plan === null && lease === null) return null;
  const found = plan === null ? [] : await ledger.chunkRecords(plan.chunks.length);
  const done = found.filter((r) => r !== null);
  const isLive = (lease !== null && !isFree(lease)) || (note === null && (await liveShard(ledger)) !== null);
  return {
    runId,
    state: note !== null ? 'committed' : isLive ? (plan === null ? 'planning' : 'running') : 'unfinished',
    plan,
    chunks: plan?.chunks.length ?? 0,
    chunksDone: done.length,
    rowsDone: done.reduce((sum, r) => sum + r.rowsIn, 0),
    rejected: done.reduce((sum, r) => sum + r.rowsRejected, 0),
    lease,
    committedAt: note?.committedAt ?? null,
    records: found,
  };
}
