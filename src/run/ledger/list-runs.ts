import type { Plan } from '../../base/contract/plan.ts';
import type { RunEnd, RunRequest } from '../../base/contract/queue-records.ts';
import type { ChunkRecord, Lease } from '../../base/contract/records.ts';
import { together } from '../../base/lanes/together.ts';
import { isFree, newestLease } from './lease.ts';
import { plannedRows } from './planned-rows.ts';
import type { RecordStore } from './record-store.ts';
import { RunLedger } from './run-ledger.ts';
import { type RequestState, RunRequests } from './run-requests.ts';
import { liveShard } from './shard-split.ts';

/** `queued`, `failed` and `cancelled`: of runs that workers were asked for. */
export type RunState = 'committed' | 'running' | 'unfinished' | 'planning' | 'queued' | 'failed' | 'cancelled';

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
  /** The newest request to workers, and what became of it; null when nobody asked them. */
  readonly request: RunRequest | null;
  readonly end: RunEnd | null;
  /** Of the last minute in which chunks were finished; null before two are. */
  readonly rowsPerSecond: number | null;
  /** Of what is left, at that speed; null unless the run is in work and its rows are known. */
  readonly secondsLeft: number | null;
  readonly workers: readonly string[];
}

const PACE_MS = 60_000;
/** Runs that are read together. A plan of 100,000 files has 10 MB, and ten times as much in memory. */
const READ = { most: 16, mostWeight: 16 * 1024 * 1024 };

/** Ids of all runs below a state, in byte order. */
export async function listRunIds(records: RecordStore): Promise<string[]> {
  return [...(await planSizes(records)).keys()];
}

/** Bytes of the plan of each run below a state; 0 while there is none. */
async function planSizes(records: RecordStore): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { name, size } of records.names('runs')) {
    const [id = '', file] = name.split('/');
    if (id !== '') sizes.set(id, file === 'plan.json' ? size : (sizes.get(id) ?? 0));
  }
  return sizes;
}

/** Does a task for each run that `isMeant`, in byte order of their ids, as many at a time as their plans allow. */
async function forRuns<T>(
  records: RecordStore,
  isMeant: (runId: string) => boolean,
  task: (runId: string) => Promise<T>,
): Promise<T[]> {
  const sizes = [...(await planSizes(records))].filter(([runId]) => isMeant(runId));
  return together(
    sizes,
    READ,
    ([, size]) => size,
    ([runId]) => task(runId),
  );
}

/** What is wanted of each run that `isMeant`, in byte order of their ids. The plan of a run is not kept for what comes after it. */
export async function ofRuns<T>(
  records: RecordStore,
  isMeant: (runId: string) => boolean,
  want: (run: ReadRun) => T,
): Promise<T[]> {
  const found = await forRuns(records, isMeant, async (runId): Promise<T[]> => {
    const run = await readRun(records, runId);
    return run === null ? [] : [want(run)];
  });
  return found.flat();
}

/** When a run was planned or asked for, as a text that sorts; empty when neither is known. */
export function begunAt({ plan, request }: Pick<RunOverview, 'plan' | 'request'>): string {
  return plan?.createdAt ?? request?.requestedAt ?? '';
}

/** The run that was planned or asked for last, of those that `isMeant`; null when there is none. */
export async function newestRunId(
  records: RecordStore,
  isMeant: (runId: string) => boolean = () => true,
): Promise<string | null> {
  const requests = new RunRequests(records);
  const begun = await forRuns(records, isMeant, async (runId) => {
    const plan = await new RunLedger(records, runId).readPlan();
    const request = plan === null ? ((await requests.newest(runId))?.request ?? null) : null;
    return { runId, at: begunAt({ plan, request }) };
  });
  let newest = begun[0];
  for (const one of begun) if (one.at > newest!.at) newest = one;
  return newest?.runId ?? null;
}

/** A run with the records of its chunks. */
export type ReadRun = RunOverview & { readonly records: readonly (ChunkRecord | null)[] };

/** Reads one run's records; null when there are none. */
export async function readRun(records: RecordStore, runId: string): Promise<ReadRun | null> {
  const ledger = new RunLedger(records, runId);
  const [plan, note, lease, asked] = await Promise.all([
    ledger.readPlan(),
    ledger.commitNote(),
    newestLease(records, ledger.folder),
    new RunRequests(records).newest(runId),
  ]);
  if (plan === null && lease === null && asked === null) return null;
  const found = plan === null ? [] : await ledger.chunkRecords(plan.chunks.length);
  const done = found.filter((r) => r !== null);
  const isLive = (lease !== null && !isFree(lease)) || (note === null && (await liveShard(ledger)) !== null);
  const wanted = stateOfRequest(asked, plan);
  const rowsDone = done.reduce((sum, r) => sum + r.rowsIn, 0);
  const state =
    note !== null ? 'committed' : isLive ? (plan === null ? 'planning' : 'running') : (wanted ?? 'unfinished');
  const rowsPerSecond = paceOf(done, asked?.request.requestedAt ?? plan?.createdAt ?? null);
  const rows = plan === null ? null : plannedRows(plan);
  const isKnown = state === 'running' && rowsPerSecond !== null && rowsPerSecond > 0 && rows !== null;
  return {
    runId,
    state,
    plan,
    chunks: plan?.chunks.length ?? 0,
    chunksDone: done.length,
    rowsDone,
    rejected: done.reduce((sum, r) => sum + r.rowsRejected, 0),
    lease,
    committedAt: note?.committedAt ?? null,
    request: asked?.request ?? null,
    end: asked?.end ?? null,
    rowsPerSecond,
    secondsLeft: isKnown ? Math.round((rows - rowsDone) / rowsPerSecond) : null,
    workers: [...new Set(done.map((r) => r.worker))].sort(),
    records: found,
  };
}

function stateOfRequest(asked: RequestState | null, plan: Plan | null): RunState | null {
  if (asked === null) return null;
  if (asked.end === null) return plan === null ? 'queued' : 'running';
  return asked.end.kind === 'done' ? null : asked.end.kind;
}

function paceOf(done: readonly ChunkRecord[], since: string | null): number | null {
  if (done.length < 2 || since === null) return null;
  const times = done.map((r) => Date.parse(r.finishedAt));
  const last = Math.max(...times);
  const from = Math.max(Date.parse(since), last - PACE_MS);
  const rows = done.reduce((sum, r, i) => sum + (times[i]! > from ? r.rowsIn : 0), 0);
  return last > from ? Math.round((rows * 1000) / (last - from)) : null;
}
