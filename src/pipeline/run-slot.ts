import type { Job } from '../contract/job.ts';
import type { Plan } from '../contract/plan.ts';
import type { ChunkRecord, Manifest } from '../contract/records.ts';
import type { RunDone, StageTimes } from '../contract/run-events.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { commitRun, finishCommit, inputsDigest } from '../ledger/commit-run.ts';
import { HeldLease } from '../ledger/lease.ts';
import { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { refuseLiveShards } from '../ledger/shard-split.ts';
import { listInputs } from '../plan/list-inputs.ts';
import { differingFields, fingerprintsOf, resultFingerprint } from '../spec/fingerprint.ts';
import { partitionFolder } from '../spec/partition-folder.ts';
import { formatRunId, type Slot } from '../spec/run-id.ts';
import { tableRoot } from '../spec/table-root.ts';
import { expandTemplate } from '../spec/template.ts';
import { changedInputs } from './changed-inputs.ts';
import { planRun } from './plan-run.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';
import { scoreRun } from './score-run.ts';

/**
 * Runs one slot to its commit: a new plan, or the unfinished one resumed, or "already done". The decisions are those of
 * docs/runs.md.
 *
 * Errors: RUN_OWNED, RUN_INCOMPATIBLE, RUN_OTHER_DEFINITION, INPUT_CHANGED, those of planning, scoring and commit.
 */
export async function runSlot(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<RunDone> {
  const started = performance.now();
  const records = new RecordStore(deps.stores, job.state);
  const outputUri = expandTemplate(job.output.uri, slot.partition).replace(/\/+$/, '');
  const chain = new ManifestChain(records, deps.stores, `manifests/${partitionFolder(slot.partition)}`, outputUri);
  await probeStores(job, deps);
  const latest = await latestAttempt(records, slot);
  let attempt = latest?.plan.attempt ?? 1;
  if (latest !== null) {
    const committed = await findCommitted(latest, chain);
    if (committed !== null) {
      const done = await alreadyDone(job, slot, latest, committed, chain, options, deps);
      if (done !== null) return { ...done, seconds: (performance.now() - started) / 1000 };
      attempt++;
    } else if (options.isNewRun) attempt++;
  }
  for (;;) {
    const ledger = new RunLedger(records, formatRunId(slot, attempt));
    const lease = await HeldLease.take(records, ledger.folder, `run ${ledger.runId}`);
    const lost = new AbortController();
    lease.whenLost((error) => lost.abort(error));
    try {
      await refuseLiveShards(ledger);
      const outcome = await workOn(
        job,
        slot,
        attempt,
        ledger,
        chain,
        options,
        { ...deps, stop: AbortSignal.any([deps.stop, lost.signal]) },
        started,
      );
      if (outcome !== 'replan') return outcome;
    } finally {
      await lease.release();
    }
    attempt++;
  }
}

/** Each process finds out for itself what the stores can do before it writes: a plan may come from another one. */
export async function probeStores(job: Job, deps: RunDeps): Promise<void> {
  for (const uri of [`${job.state}/`, `${tableRoot(job.output.uri)}/`]) {
    const { store, key } = deps.stores.at(uri);
    const { conditionalPut, conditionalComplete } = await store.probe(key);
    if (!conditionalPut || !conditionalComplete) {
      deps.warn(
        `the store of ${uri} has no conditional writes: two runs at once could overwrite each other; start only one`,
      );
    }
  }
}

/** A plan of a slot with its records. */
export interface Attempt {
  readonly plan: Plan;
  readonly ledger: RunLedger;
}

/** The attempt with the highest number, found by probing upward; null before the first. */
export async function latestAttempt(records: RecordStore, slot: Slot): Promise<Attempt | null> {
  let latest: Attempt | null = null;
  for (let attempt = 1; ; attempt++) {
    const ledger = new RunLedger(records, formatRunId(slot, attempt));
    const plan = await ledger.readPlan();
    if (plan === null) return latest;
    latest = { plan, ledger };
  }
}

/** The manifest of an attempt, current or older; null when it is not committed. */
export async function findCommitted(attempt: Attempt, chain: ManifestChain): Promise<Manifest | null> {
  const note = await attempt.ledger.commitNote();
  const noted = note === null ? null : await chain.read(note.n);
  return noted?.runId === attempt.plan.runId ? noted : chain.findRun(attempt.plan.runId);
}

/** What a committed slot answers; null when it is to be scored again as the next attempt. */
export async function alreadyDone(
  job: Job,
  slot: Slot,
  latest: Attempt,
  committed: Manifest,
  chain: ManifestChain,
  options: RunOptions,
  deps: RunDeps,
): Promise<RunDone | null> {
  if (options.isNewRun) return null;
  const { plan, ledger } = latest;
  const current = await chain.current();
  if (current?.runId === plan.runId) await finishCommit(current, chain, ledger, deps.stores, job.output.gcGraceMs);
  const objects = await listInputs(job, slot.partition, deps.stores);
  const known = new Map(plan.files.map((f) => [f.uri, `${f.size} ${f.etag}`]));
  const skipped = new Set(plan.skipped.map((s) => s.uri));
  const isSame = inputsDigest(objects.filter((o) => !skipped.has(o.uri))) === committed.inputs.digest;
  const changed = isSame
    ? 0
    : Math.max(1, objects.filter((o) => !skipped.has(o.uri) && known.get(o.uri) !== `${o.size} ${o.etag}`).length);
  const sha256 = job.model.sha256 ?? plan.model.sha256;
  const isOther = resultFingerprint(job, sha256) !== committed.fingerprints.result;
  if (options.isIfChanged && (isOther || changed > 0)) return null;
  if (isOther) {
    const fields = differingFields(
      plan.fingerprints,
      fingerprintsOf({ job, modelSha256: sha256, batchRows: plan.batchRows, versions: plan.versions }),
    );
    throw new PrescoreError('RUN_OTHER_DEFINITION', {
      what: `run ${plan.runId} is committed with an older definition (differs in ${fields.join(', ')})`,
      where: plan.outputUri,
    });
  }
  return summary(plan, committed, [], 0, changed, true, 0);
}

async function workOn(
  job: Job,
  slot: Slot,
  attempt: number,
  ledger: RunLedger,
  chain: ManifestChain,
  options: RunOptions,
  deps: RunDeps,
  started: number,
): Promise<RunDone | 'replan'> {
  const existing = await ledger.readPlan();
  const scorers = await deps.scorers();
  const plan = existing ?? (await ledger.createPlan(await planRun(job, slot, attempt, options.asOf, scorers, deps)));
  const found = await ledger.chunkRecords(plan.chunks.length);
  if (existing !== null) {
    const incompatible = whyIncompatible(job, plan, scorers.model.sha256, deps);
    if (incompatible !== null) {
      if (found.every((record) => record === null)) return 'replan';
      throw incompatible;
    }
    await changedInputs(plan, deps.stores);
  }
  const rowsDone = found.reduce((sum, r) => sum + (r?.rowsIn ?? 0), 0);
  const rows = plan.chunks.reduce<number | null>(
    (sum, c) => (sum === null || c.rows === null ? null : sum + c.rows),
    0,
  );
  const chunksDone = found.filter((r) => r !== null).length;
  deps.emit({
    event: 'planned',
    runId: plan.runId,
    partition: plan.partition,
    isResumed: existing !== null,
    files: plan.files.length,
    skipped: plan.skipped.length,
    chunks: plan.chunks.length,
    chunksDone,
    rows,
    rowsDone,
  });
  const { manifest, records } = await scoreAndCommit(plan, job, found, ledger, chain, options, deps);
  const seconds = (performance.now() - started) / 1000;
  return summary(plan, manifest, records, chunksDone, 0, false, seconds, rowsDone);
}

/** Why an unfinished plan cannot go on under the job as it is now (RUN_INCOMPATIBLE, naming the fields); null when it can. */
export function whyIncompatible(
  job: Job,
  plan: Plan,
  modelSha256: string,
  deps: Pick<RunDeps, 'versions'>,
): PrescoreError | null {
  const asked = fingerprintsOf({ job, modelSha256, batchRows: resolvedBatch(job, plan), versions: deps.versions });
  if (asked.resume === plan.fingerprints.resume) return null;
  const fields = differingFields(plan.fingerprints, asked).join(', ');
  return new PrescoreError('RUN_INCOMPATIBLE', {
    what: `unfinished run ${plan.runId} was planned with other ${fields}`,
    where: `${plan.state}/runs/${plan.runId}`,
  });
}

/**
 * Scores what has no record in `found` and commits; chunks whose staged bytes are lost are scored again. For the holder of
 * the run's lease.
 *
 * Errors: those of `scoreRun` and `commitRun`. Repeat: safe.
 */
export async function scoreAndCommit(
  plan: Plan,
  job: Job,
  found: readonly (ChunkRecord | null)[],
  ledger: RunLedger,
  chain: ManifestChain,
  options: Pick<RunOptions, 'isForced'>,
  deps: RunDeps,
): Promise<{ readonly manifest: Manifest; readonly records: readonly ChunkRecord[] }> {
  const { pool } = await deps.scorers();
  const limited = withLimits(plan, job);
  let known = found;
  let gone: ReadonlySet<number> = new Set();
  for (;;) {
    const records = await scoreRun(limited, known, gone, ledger, pool, deps);
    deps.emit({ event: 'committing', runId: plan.runId, parts: records.filter((r) => r.part !== null).length });
    const outcome = await commitRun(limited, records, ledger, chain, deps.stores, {
      isForced: options.isForced,
      emptyPart: () => pool.empty(plan.runId, 0),
    });
    if (outcome.kind === 'committed') return { manifest: outcome.manifest, records };
    known = records;
    gone = new Set(outcome.chunks);
  }
}

// A higher reject limit or another grace may be given when a run is resumed: they change no byte of a part.
function withLimits(plan: Plan, job: Job): Plan {
  return {
    ...plan,
    job: { ...plan.job, rejects: job.rejects, output: { ...plan.job.output, gcGraceMs: job.output.gcGraceMs } },
  };
}

function resolvedBatch(job: Job, plan: Plan): number {
  return plan.binding.fixedBatch ?? (job.execution.batchRows === 'auto' ? plan.batchRows : job.execution.batchRows);
}

/** The last event of a run that is committed. */
export function summary(
  plan: Plan,
  manifest: Pick<Manifest, 'rows' | 'rejected' | 'rejectsByRule'> & { readonly parts: readonly { size: number }[] },
  records: readonly ChunkRecord[],
  chunksResumed: number,
  inputsChanged: number,
  alreadyDone: boolean,
  seconds: number,
  rowsBefore = 0,
): RunDone {
  const sum = (pick: (r: ChunkRecord) => number): number => records.reduce((all, r) => all + pick(r), 0);
  const stages: StageTimes = {
    fetch: sum((r) => r.timings.fetchMs),
    decode: sum((r) => r.timings.decodeMs),
    model: sum((r) => r.timings.scoreMs),
    encode: sum((r) => r.timings.encodeMs),
    store: sum((r) => r.timings.storeMs),
  };
  const scored = sum((r) => r.rowsIn) - rowsBefore;
  return {
    event: 'done',
    runId: plan.runId,
    partition: plan.partition,
    rows: manifest.rows,
    rejected: manifest.rejected,
    rejectsByRule: manifest.rejectsByRule,
    rowsPerSecond: seconds > 0 ? Math.round(scored / seconds) : 0,
    seconds,
    output: plan.outputUri,
    rejectsUri: manifest.rejected > 0 ? `${plan.state}/runs/${plan.runId}/rejects/` : null,
    parts: manifest.parts.length,
    bytes: manifest.parts.reduce((all, p) => all + p.size, 0),
    chunksResumed,
    alreadyDone,
    committed: true,
    inputsChanged,
    stages,
  };
}
