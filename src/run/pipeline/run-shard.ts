import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord, Manifest } from '../../base/contract/records.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { needsNewRun } from '../../base/errors/needs-new-run.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { slotOfRunId } from '../../job/slots/slot-of-run.ts';
import { HeldLease, isFree, newestLease } from '../ledger/lease.ts';
import type { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { isSuperseded, type Ordered, refuseOlder, superseded } from '../ledger/run-order.ts';
import { takeShard } from '../ledger/shard-split.ts';
import { changedInputs } from './changed-inputs.ts';
import { alreadyDone, chainOf, findCommitted, latestAttempt, probeStores } from './decide-slot.ts';
import { checkHost, warnOfDependence } from './exactness.ts';
import { finishRun, runDone } from './finish-run.ts';
import { planRun } from './plan-run.ts';
import { incompatible, otherFields, tellPlanned } from './prepare-plan.ts';
import type { RunDeps, RunOptions, ShardOption } from './run-deps.ts';
import { scoreRun } from './score-run.ts';

const LOOK_EVERY_MS = 500;

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

interface ScoredShare {
  readonly plan: Plan;
  /** Records of the share: all of them, and those that were there before this start. */
  readonly own: readonly ChunkRecord[];
  readonly before: readonly ChunkRecord[];
}

/**
 * Scores one share of a slot's chunks (n mod count = index) without any queue. Who comes first plans; who finds every chunk
 * recorded takes the run's lease and commits. Each shard looks after its own records are written, so the one that wrote last
 * sees all of them, and of several that see them only the holder of the lease commits.
 *
 * Errors: SUPERSEDED (before anything is written), RUN_OWNED, SHARDS_DIFFER, RUN_INCOMPATIBLE, INPUT_CHANGED, USAGE, those of planning, scoring and commit. Repeat:
 * safe; recorded chunks are kept.
 */
export async function runShard(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<RunDone> {
  const started = performance.now();
  const shard = options.shard!;
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  const latest = await latestAttempt(records, slot);
  const latestNumber = latest?.plan.attempt ?? 0;
  const attempt = attemptOf(job, shard, latestNumber);
  const ledger = new RunLedger(records, formatRunId(slot, attempt));
  const run: ShardRun = { job, slot, shard, options, ledger, chain, deps, started };
  const plan = latest?.plan.attempt === attempt ? latest.plan : await ledger.readPlan();
  const committed = plan === null ? null : await findCommitted({ plan, ledger }, chain);
  if (plan !== null && committed !== null) {
    const asked = alreadyDone(job, slot, { plan, ledger }, committed, chain, options, deps);
    const done = await orNextAttempt(asked, slot, attempt);
    if (done !== null) return { ...done, seconds: since(started), shard: ofShard(shard, 0) };
  } else if (!options.isForced) {
    const next = { logicalTime: slot.logicalTime, createdAt: deps.now().toISOString(), attempt: latestNumber + 1 };
    refuseOlderShare(next, slot, plan, await chain.current());
  }
  await probeStores(job, deps);
  const lease = await takeShard(ledger, shard.index, shard.count);
  try {
    return await scoreShare({ ...run, deps: { ...deps, stop: AbortSignal.any([deps.stop, lease.lost]) } }, attempt);
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
  await orNextAttempt(checkPlan(plan, job, scorers.model.sha256, deps), slot, attempt);
  const chunks = plan.chunks.filter(({ n }) => n % shard.count === shard.index);
  const recorded = await ledger.chunkRecords(plan.chunks.length);
  const found = recorded.map((record, n) => (n % shard.count === shard.index ? record : null));
  const before = found.filter((r) => r !== null);
  if (before.length < chunks.length) await refuseWholeRun(ledger);
  const share = { ...plan, chunks };
  warnOfDependence(plan.model.rowDependence, deps);
  await checkHost(plan, scorers.model, deps);
  tellPlanned(share, before.length > 0, found, deps);
  const own = await scoreRun(share, found, new Set(), ledger, scorers.pool, deps);
  faultPoint('shard-scored');
  const all = await ledger.chunkRecords(plan.chunks.length);
  const open = all.filter((r) => r === null).length;
  const scored: ScoredShare = { plan, own, before };
  return open > 0 ? shareDone(run, scored, open) : commitTogether(run, scored, all);
}

async function checkPlan(plan: Plan, job: Job, modelSha256: string, deps: RunDeps): Promise<void> {
  const fields = otherFields(job, plan, modelSha256, deps.versions);
  if (fields !== null) throw incompatible(plan, fields);
  await changedInputs(plan, deps.stores);
}

/**
 * Every chunk has a record: commits, or waits for the shard that does. A holder of the lease that died has not committed, so
 * nobody leaves before the manifest is there or the lease is free.
 */
async function commitTogether(
  run: ShardRun,
  scored: ScoredShare,
  all: readonly (ChunkRecord | null)[],
): Promise<RunDone> {
  const { job, shard, options, ledger, chain, deps, started } = run;
  const { plan } = scored;
  for (;;) {
    const lease = await HeldLease.tryTake(ledger.records, ledger.folder, `run ${ledger.runId}`);
    try {
      if ((await findCommitted({ plan, ledger }, chain)) !== null) return shareDone(run, scored, 0);
      if (lease !== null) {
        faultPoint('shard-committing');
        const done = await finishRun({ plan, found: all }, job, ledger, chain, options, deps, started);
        const { chunksResumed, rowsPerSecond } = shareDone(run, scored, 0);
        return { ...done, chunksResumed, rowsPerSecond, shard: ofShard(shard, 0) };
      }
    } finally {
      await lease?.release();
    }
    if (deps.stop.aborted) throw new PrescoreError('INTERRUPTED', { what: 'interrupted', where: plan.runId });
    await sleep(LOOK_EVERY_MS, undefined, { signal: deps.stop }).catch(() => undefined);
  }
}

// Shares of a plan that can be committed no more would be scored in vain; `next` is what may come after it.
function refuseOlderShare(next: Ordered, slot: Slot, plan: Plan | null, current: Manifest | null): void {
  refuseOlder(next, current);
  if (plan === null || current === null || !isSuperseded(plan, current)) return;
  const fix = `Nothing to do; to score it again, start all shards with --run-id ${formatRunId(slot, next.attempt)}.`;
  throw new PrescoreError('SUPERSEDED', { ...superseded(plan, current).details, fix });
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
function shareDone({ shard, started }: ShardRun, { plan, own, before }: ScoredShare, chunksOpen: number): RunDone {
  const rejectsByRule: Record<string, number> = {};
  for (const { rejectsByRule: rules } of own)
    for (const [rule, rows] of Object.entries(rules)) rejectsByRule[rule] = (rejectsByRule[rule] ?? 0) + rows;
  const rows = own.reduce((sum, r) => sum + r.rowsScored, 0);
  const rejected = own.reduce((sum, r) => sum + r.rowsRejected, 0);
  const parts = own.flatMap((r) => r.part ?? []);
  const facts = {
    records: own,
    chunksResumed: before.length,
    inputsChanged: 0,
    alreadyDone: false,
    seconds: since(started),
    rowsBefore: before.reduce((sum, r) => sum + r.rowsIn, 0),
  };
  const filtered = own.reduce((sum, r) => sum + (r.rowsFiltered ?? 0), 0);
  const leftOut = plan.job.where === undefined ? {} : { filtered };
  const done = runDone(plan, { rows, rejected, rejectsByRule, parts, ...leftOut }, facts);
  return { ...done, committed: false, shard: ofShard(shard, chunksOpen) };
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
    if (!isPrescoreError(error) || !needsNewRun(error)) throw error;
    const fix = `Restore what differs, or start all shards with --run-id ${formatRunId(slot, attempt + 1)}.`;
    throw new PrescoreError(error.code, { ...error.details, fix });
  }
}

function ofShard({ index, count }: ShardOption, chunksOpen: number): NonNullable<RunDone['shard']> {
  return { index, count, chunksOpen };
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
