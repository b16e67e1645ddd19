import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { HeldLease } from '../../run/ledger/lease.ts';
import { isSuperseded, refuseOlder } from '../../run/ledger/run-order.ts';
import { chainOf, findCommitted, probeStores } from '../../run/pipeline/decide-slot.ts';
import { checkHost } from '../../run/pipeline/exactness.ts';
import { finishRun } from '../../run/pipeline/finish-run.ts';
import { incompatible, otherFields, preparePlan } from '../../run/pipeline/prepare-plan.ts';
import { recordChunk } from '../../run/pipeline/record-chunk.ts';
import type { LoadedScorers, RunDeps } from '../../run/pipeline/run-deps.ts';
import { isSameRef } from '../../run/pipeline/settle-job.ts';
import { isTinyChunk } from '../../scoring/pool/tiny-chunks.ts';
import type { DoneBitmap } from './done-bitmap.ts';
import type { LiveRun } from './live-runs.ts';
import type { BorrowedScorers, ScorerCache } from './scorer-cache.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** What the steps need of a worker. */
export interface StepDeps extends WorkerDeps {
  readonly scorerCache: ScorerCache;
  readonly bits: DoneBitmap;
  readonly stop: AbortSignal;
}

/** Makes the plan of a run under its lease, or takes up the one that is there. Errors: SUPERSEDED, RUN_OWNED, those of `preparePlan`. */
export async function planStep(run: LiveRun, deps: StepDeps): Promise<void> {
  const { request } = run;
  const { attempt, options, partition, logicalTime } = request;
  const slot = { job: request.job.name, partition, logicalTime };
  await probeStores(request.job, { stores: run.stores, warn: (text) => deps.log.warn({ run: run.runId }, text) });
  await refuseSuperseded(run, deps);
  await withLease(run, deps, async (held) => {
    const job = await jobOf(run);
    const prepared = await preparePlan(job, slot, attempt, run.ledger, options, held);
    if (prepared !== 'replan') return;
    const plan = await run.ledger.readPlan();
    const { model } = await held.scorers();
    if (plan !== null) throw incompatible(plan, otherFields(job, plan, model.sha256, deps.versions) ?? []);
  });
}

// Who asked again for it may have followed a label that moved just when it was planned: it goes on with what it was planned with.
async function jobOf(run: LiveRun): Promise<Job> {
  const { job } = run.request;
  const planned = await run.planned();
  return planned !== null && isSameRef(planned.plan.job.model, job.model)
    ? { ...job, model: planned.plan.job.model }
    : job;
}

// It may have waited in the queue for long, and what was newer was committed meanwhile.
async function refuseSuperseded(run: LiveRun, deps: StepDeps): Promise<void> {
  const { job, attempt, options, partition, logicalTime } = run.request;
  if (options.isForced) return;
  const { ledger } = run;
  const chain = chainOf(job, partition, ledger.records, run);
  const current = await chain.current();
  const plan = await ledger.readPlan();
  const asked = plan ?? { logicalTime, createdAt: deps.now().toISOString(), attempt };
  // Committed by a worker that could not say so any more, and replaced since.
  const isDone =
    plan !== null && isSuperseded(plan, current) && (await findCommitted({ plan, ledger }, chain)) !== null;
  if (!isDone) refuseOlder(asked, current);
}

/**
 * Scores and records one chunk, without a lease: records admit one winner. Null when its record was there already, or there is no
 * plan yet.
 *
 * Errors: the child's; RUN_INCOMPATIBLE (to be tried elsewhere) when this worker has other versions than the planner.
 */
export async function scoreStep(run: LiveRun, n: number, deps: StepDeps, onTiny: () => void): Promise<number | null> {
  const planned = await run.planned();
  const chunk = planned?.plan.chunks[n];
  if (planned === null || chunk === undefined) return null;
  const { plan, order } = planned;
  checkVersions(plan, deps);
  if (isTinyChunk(chunk)) onTiny();
  // The bit is a hint that may be wrong in both ways; only the record says that a chunk is done.
  const isHinted = order.isDone(n) || (await deps.bits.has(run.state, run.runId, n).catch(() => true));
  if (isHinted && (await run.ledger.chunkRecord(n)) !== null) return 0;
  const scorers = await deps.scorerCache.borrow(await jobOf(run), run.stores, run.request.options.allowUnpinned);
  try {
    checkModel(plan, scorers);
    const warn = (text: string): void => deps.log.warn({ run: run.runId }, text);
    await checkHost(plan, scorers.model, { stores: run.stores, versions: deps.versions, warn });
    if (deps.stop.aborted) throw new PrescoreError('INTERRUPTED', { what: 'the worker is stopping' });
    scorers.bind(plan);
    const result = await scorers.pool.score({ runId: run.runId, chunk, files: plan.files, onRows: () => undefined });
    const { stores, ledger } = run;
    const record = await recordChunk(plan, chunk, result, 0, ledger, { stores, now: deps.now, worker: deps.worker });
    return record.rowsIn;
  } catch (error) {
    retireBroken(scorers, error);
    throw error;
  } finally {
    scorers.release();
  }
}

/** Commits a run whose chunks all have records, under its lease; null when some have none. Errors: those of `commitRun`. */
export async function commitStep(run: LiveRun, deps: StepDeps): Promise<RunDone | null> {
  const planned = await run.planned();
  if (planned === null) return null;
  const { plan } = planned;
  const { job, options, requestedAt } = run.request;
  checkVersions(plan, deps);
  return withLease(run, deps, async (held) => {
    const listed = await run.ledger.listedChunks();
    if (listed.size < plan.chunks.length) return null;
    const found = await run.ledger.listedRecords(plan.chunks.length, listed);
    if (found.some((record) => record === null)) return null;
    const chain = chainOf(job, plan.partition, run.ledger.records, run);
    const done = await finishRun({ plan, found }, job, run.ledger, chain, options, held, performance.now());
    const seconds = Math.max(0, (deps.now().getTime() - Date.parse(requestedAt)) / 1000);
    const rows = found.reduce((sum, record) => sum + (record?.rowsIn ?? 0), 0);
    return { ...done, seconds, rowsPerSecond: seconds > 0 ? Math.round(rows / seconds) : 0, chunksResumed: 0 };
  });
}

// The lease saves work; whoever takes it over stops what is done under it. Scorers are started only when they are asked for.
async function withLease<T>(run: LiveRun, deps: StepDeps, task: (held: RunDeps) => Promise<T>): Promise<T> {
  const { options } = run.request;
  const lease = await HeldLease.take(run.ledger.records, run.ledger.folder, `run ${run.runId}`);
  let borrowed: Promise<BorrowedScorers> | null = null;
  const held: RunDeps = {
    stores: run.stores,
    versions: deps.versions,
    scorers: async (): Promise<LoadedScorers> => {
      borrowed ??= jobOf(run).then((job) => deps.scorerCache.borrow(job, run.stores, options.allowUnpinned));
      return borrowed;
    },
    emit: () => undefined,
    warn: (text) => deps.log.warn({ run: run.runId }, text),
    stop: AbortSignal.any([deps.stop, lease.lost]),
    now: deps.now,
    keepsCertificates: true,
  };
  let scorers: BorrowedScorers | null = null;
  try {
    return await task(held);
  } catch (error) {
    scorers = await settled(borrowed);
    if (scorers !== null) retireBroken(scorers, error);
    throw error;
  } finally {
    scorers ??= await settled(borrowed);
    scorers?.forget(run.runId);
    scorers?.release();
    await lease.release();
  }
}

function settled(borrowed: Promise<BorrowedScorers> | null): Promise<BorrowedScorers | null> {
  return borrowed === null ? Promise.resolve(null) : borrowed.catch(() => null);
}

// A pool whose children died too often has ended itself, and would never answer again.
function retireBroken(scorers: BorrowedScorers, error: unknown): void {
  const { code } = toPrescoreError(error);
  if (code === 'SCORER_CRASHED' || code === 'SCORER_DEADLINE') scorers.retire();
}

/** Parts of one run come from one set of versions; during an upgrade other workers may still have them. */
function checkVersions(plan: Plan, { versions }: Pick<WorkerDeps, 'versions'>): void {
  const other = (Object.keys(versions) as (keyof typeof versions)[]).filter((v) => versions[v] !== plan.versions[v]);
  if (other.length === 0) return;
  throw new PrescoreError('RUN_INCOMPATIBLE', {
    what: `run ${plan.runId} was planned with another version of ${other.join(', ')}`,
    where: `${plan.state}/runs/${plan.runId}`,
    expected: other.map((name) => `${name} ${plan.versions[name]}`).join(', '),
    got: other.map((name) => `${name} ${versions[name]}`).join(', '),
    fix: 'Let workers of that version finish it, or start it again with --new-run.',
    retryable: true,
  });
}

function checkModel(plan: Plan, { model }: LoadedScorers): void {
  if (model.sha256 === plan.model.sha256) return;
  throw new PrescoreError('MODEL_CHECKSUM', {
    what: 'the model is not the one that the run was planned with',
    where: plan.model.uri,
    expected: plan.model.sha256,
    got: model.sha256,
  });
}
