import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../contract/job.ts';
import type { Plan } from '../contract/plan.ts';
import type { ChunkRecord } from '../contract/records.ts';
import type { RunDone } from '../contract/run-events.ts';
import { isPrescoreError, PrescoreError } from '../errors/prescore-error.ts';
import { HeldLease, isFree, newestLease } from '../ledger/lease.ts';
import type { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { takeShard } from '../ledger/shard-split.ts';
import { formatRunId, type Slot } from '../spec/run-id.ts';
import { slotOfRunId } from '../spec/slot-of-run.ts';
import { faultPoint } from '../telemetry/fault-point.ts';
import { changedInputs } from './changed-inputs.ts';
import { alreadyDone, chainOf, findCommitted, latestAttempt, probeStores } from './decide-slot.ts';
import { type DoneFacts, runDone, scoreAndCommit } from './finish-run.ts';
import { planRun } from './plan-run.ts';
import { incompatible, otherFields, plannedRows } from './prepare-plan.ts';
import type { RunDeps, RunOptions, ShardOption } from './run-deps.ts';
import { scoreRun } from './score-run.ts';

const LOOK_EVERY_MS = 500;
const NEEDS_NEW_RUN = new Set(['RUN_INCOMPATIBLE', 'RUN_OTHER_DEFINITION', 'INPUT_CHANGED', 'INPUT_GONE']);

/** What every step of a shard needs. */
interface ShardRun {
  readonly job: Job;
  readonly slot: Slot;
  readonly shard: ShardOption;
  readonly options: RunOptions;
  readonly ledger: RunLedger;
  readonly chain: ManifestChain;
  readonly deps: RunDeps;
  readonly started: number;
}

/**
 * Scores one share of a slot's chunks (n mod count = index) without any queue. Who comes first plans; who finds every chunk
 * recorded takes the run's lease and commits. Each shard looks after its own records are written, so the one that wrote last
 * sees all of them, and of several that see them only the holder of the lease commits.
 *
 * Errors: RUN_OWNED, SHARDS_DIFFER, RUN_INCOMPATIBLE, INPUT_CHANGED, USAGE, those of planning, scoring and commit. Repeat:
 * safe; recorded chunks are kept.
 */
export async function runShard(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<RunDone> {
  const started = performance.now();
  const shard = options.shard!;
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  await probeStores(job, deps);
  const latest = await latestAttempt(records, slot);
  const attempt = attemptOf(job, shard, latest?.plan.attempt ?? 0);
  const ledger = new RunLedger(records, formatRunId(slot, attempt));
  const run: ShardRun = { job, slot, shard, options, ledger, chain, deps, started };
  const plan = latest?.plan.attempt === attempt ? latest.plan : await ledger.readPlan();
  const committed = plan === null ? null : await findCommitted({ plan, ledger }, chain);
  if (plan !== null && committed !== null) {
    const asked = alreadyDone(job, slot, { plan, ledger }, committed, chain, options, deps);
    const done = await orNextAttempt(asked, slot, attempt);
    if (done !== null) return { ...done, seconds: since(started), shard: ofShard(shard, 0) };
  }
  const lease = await takeShard(ledger, shard.index, shard.count);
  const lost = new AbortController();
  lease.whenLost((error) => lost.abort(error));
  try {
    return await scoreShare({ ...run, deps: { ...deps, stop: AbortSignal.any([deps.stop, lost.signal]) } }, attempt);
  } finally {
    await lease.release();
  }
}

async function scoreShare(run: ShardRun, attempt: number): Promise<RunDone> {
  const { job, slot, shard, options, ledger, deps } = run;
  const existing = await ledger.readPlan();
  const scorers = await deps.scorers();
  const plan = existing ?? (await ledger.createPlan(await planRun(job, slot, attempt, options.asOf, scorers, deps)));
  // The plan may be another shard's, made from another job file or a moment before the input changed.
  const fields = otherFields(job, plan, scorers.model.sha256, deps.versions);
  const checked = fields === null ? changedInputs(plan, deps.stores) : Promise.reject(incompatible(plan, fields));
  await orNextAttempt(checked, slot, attempt);
  const share = { ...plan, chunks: plan.chunks.filter(({ n }) => n % shard.count === shard.index) };
  const found: (ChunkRecord | null)[] = new Array<null>(plan.chunks.length).fill(null);
  await Promise.all(share.chunks.map(async ({ n }) => (found[n] = await ledger.chunkRecord(n))));
  const before = found.filter((r) => r !== null);
  if (before.length < share.chunks.length) await refuseWholeRun(ledger);
  const rowsBefore = before.reduce((sum, r) => sum + r.rowsIn, 0);
  deps.emit({
    event: 'planned',
    runId: plan.runId,
    partition: plan.partition,
    isResumed: before.length > 0,
    files: plan.files.length,
    skipped: plan.skipped.length,
    chunks: share.chunks.length,
    chunksDone: before.length,
    rows: plannedRows(share),
    rowsDone: rowsBefore,
  });
  const own = await scoreRun(share, found, new Set(), ledger, scorers.pool, deps);
  faultPoint('shard-scored');
  const all = await ledger.chunkRecords(plan.chunks.length);
  const open = all.filter((r) => r === null).length;
  if (open > 0) return shareDone(run, plan, own, before.length, rowsBefore, open);
  return commitTogether(run, plan, all, own, before.length, rowsBefore);
}

/**
 * Every chunk has a record: commits, or waits for the shard that does. A holder of the lease that died has not committed, so
 * nobody leaves before the manifest is there or the lease is free.
 */
async function commitTogether(
  run: ShardRun,
  plan: Plan,
  all: readonly (ChunkRecord | null)[],
  own: readonly ChunkRecord[],
  chunksBefore: number,
  rowsBefore: number,
): Promise<RunDone> {
  const { job, shard, options, ledger, chain, deps, started } = run;
  for (;;) {
    const lease = await freeLease(ledger);
    const committed = await findCommitted({ plan, ledger }, chain);
    if (committed !== null) {
      await lease?.release();
      return shareDone(run, plan, own, chunksBefore, rowsBefore, 0);
    }
    if (lease === null) {
      if (deps.stop.aborted) throw new PrescoreError('INTERRUPTED', { what: 'interrupted', where: plan.runId });
      await sleep(LOOK_EVERY_MS, undefined, { signal: deps.stop }).catch(() => undefined);
      continue;
    }
    try {
      faultPoint('shard-committing');
      const { manifest } = await scoreAndCommit(plan, job, all, ledger, chain, options, deps);
      const done = runDone(plan, manifest, shareFacts(own, chunksBefore, rowsBefore, started));
      return { ...done, shard: ofShard(shard, 0) };
    } finally {
      await lease.release();
    }
  }
}

async function freeLease(ledger: RunLedger): Promise<HeldLease | null> {
  try {
    return await HeldLease.take(ledger.records, ledger.folder, `run ${ledger.runId}`);
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'RUN_OWNED') return null;
    throw error;
  }
}

// A start without --shard scores all chunks: a share scored beside it would be scored twice.
async function refuseWholeRun(ledger: RunLedger): Promise<void> {
  const lease = await newestLease(ledger.records, ledger.folder);
  if (lease === null || isFree(lease)) return;
  throw new PrescoreError('RUN_OWNED', {
    what: `run ${ledger.runId} is held whole, without --shard, by process ${lease.pid} on ${lease.host}`,
    where: `${ledger.records.uri}/${ledger.folder}`,
    data: { host: lease.host, pid: lease.pid, expiresAt: lease.expiresAt },
  });
}

// What is told when the commit is another shard's: the share alone.
function shareDone(
  { shard, started }: ShardRun,
  plan: Plan,
  own: readonly ChunkRecord[],
  chunksBefore: number,
  rowsBefore: number,
  chunksOpen: number,
): RunDone {
  const rejectsByRule: Record<string, number> = {};
  for (const { rejectsByRule: rules } of own)
    for (const [rule, rows] of Object.entries(rules)) rejectsByRule[rule] = (rejectsByRule[rule] ?? 0) + rows;
  const parts = own.flatMap((r) => r.part ?? []);
  const share = {
    rows: own.reduce((sum, r) => sum + r.rowsScored, 0),
    rejected: own.reduce((sum, r) => sum + r.rowsRejected, 0),
    rejectsByRule,
    parts,
  };
  return {
    ...runDone(plan, share, shareFacts(own, chunksBefore, rowsBefore, started)),
    committed: false,
    shard: ofShard(shard, chunksOpen),
  };
}

// An attempt beyond the next one would leave a gap that nobody looks behind.
function attemptOf(job: Job, { runId }: ShardOption, latest: number): number {
  if (runId === null) return Math.max(1, latest);
  const { attempt } = slotOfRunId(job, runId);
  if (attempt <= latest + 1) return attempt;
  const [expected, got] = [`at most ${latest + 1}`, `${attempt}`];
  throw new PrescoreError('USAGE', { what: 'the attempt skips one', where: `--run-id ${runId}`, expected, got });
}

// Shards that each began anew by themselves would not all begin the same: the next attempt is named for all of them.
async function orNextAttempt<T>(work: Promise<T>, slot: Slot, attempt: number): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isPrescoreError(error) || !NEEDS_NEW_RUN.has(error.code)) throw error;
    const fix = `Restore what differs, or start all shards with --run-id ${formatRunId(slot, attempt + 1)}.`;
    throw new PrescoreError(error.code, { ...error.details, fix });
  }
}

function shareFacts(
  records: readonly ChunkRecord[],
  chunksResumed: number,
  rowsBefore: number,
  started: number,
): DoneFacts {
  return { records, chunksResumed, inputsChanged: 0, alreadyDone: false, seconds: since(started), rowsBefore };
}

function ofShard({ index, count }: ShardOption, chunksOpen: number): NonNullable<RunDone['shard']> {
  return { index, count, chunksOpen };
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
