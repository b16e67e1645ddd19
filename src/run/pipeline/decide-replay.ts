import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import type { Manifest } from '../../base/contract/records.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Slot } from '../../job/slots/run-id.ts';
import { finishCommit } from '../ledger/commit-run.ts';
import { HeldLease } from '../ledger/lease.ts';
import type { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { refuseOlder } from '../ledger/run-order.ts';
import { RunRequests } from '../ledger/run-requests.ts';
import { refuseLiveShards } from '../ledger/shard-split.ts';
import { changedInputs } from './changed-inputs.ts';
import { type Attempt, chainOf, findCommitted, latestAttempt, type SlotDecision } from './decide-slot.ts';
import { runDone } from './finish-run.ts';
import { refusedMend } from './plan-replay.ts';
import { otherFields } from './prepare-plan.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';

/**
 * Says what `rejects replay` does about a slot: nothing where the run rejected no row or was replayed already; an unfinished
 * replay goes on; else the next attempt, which takes over every chunk without rejects.
 *
 * Errors: RUN_NOT_FOUND, RUN_OTHER_DEFINITION, RUN_OWNED, SUPERSEDED, USAGE, those of the model and the store.
 */
export async function decideReplay(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<SlotDecision> {
  const asked = options.replayOf!;
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  const latest = await latestAttempt(records, slot);
  const where = `${job.state}/runs/${asked}`;
  if (latest === null) throw new PrescoreError('RUN_NOT_FOUND', { what: 'the run has no plan', where });
  const { plan } = latest;
  const isItself = plan.runId === asked;
  if (!isItself && plan.replayOf !== asked) {
    const what = `${plan.runId} is a newer attempt at the same slot`;
    throw new PrescoreError('USAGE', {
      what,
      where,
      fix: `Replay that one: prescore rejects replay JOB ${plan.runId}.`,
    });
  }
  const committed = await findCommitted(latest, chain);
  if (committed !== null && (!isItself || (committed.rejected === 0 && plan.skipped.length === 0))) {
    return { kind: 'done', done: await nothingLeft(job, latest, committed, chain, deps) };
  }
  const { model } = await deps.scorers();
  const fields = otherFields(job, plan, model.sha256, deps.versions) ?? [];
  if (committed === null) {
    if (plan.replayOf !== undefined && fields.length === 0 && (await isUnchanged(plan, deps))) {
      return { kind: 'go', attempt: plan.attempt, plan };
    }
    await checkUnfinished(latest);
  }
  const others = fields.filter((field) => field !== 'features');
  if (others.length > 0) throw refusedMend(plan, others);
  const attempt = plan.attempt + 1;
  const current = options.isForced ? null : await chain.current();
  refuseOlder({ logicalTime: slot.logicalTime, createdAt: deps.now().toISOString(), attempt }, current);
  return { kind: 'go', attempt, plan: null, replays: plan };
}

async function isUnchanged(plan: Plan, deps: RunDeps): Promise<boolean> {
  try {
    await changedInputs(plan, deps.stores);
    return true;
  } catch (error) {
    if (error instanceof PrescoreError && ['INPUT_CHANGED', 'INPUT_GONE'].includes(error.code)) return false;
    throw error;
  }
}

// Whoever is at work on it would commit it, with its rejects, before or after the replay.
async function checkUnfinished({ plan, ledger }: Attempt): Promise<void> {
  const found = await ledger.chunkRecords(plan.chunks.length);
  const where = `${plan.state}/runs/${plan.runId}`;
  if (!found.some((record) => record !== null && record.rowsRejected > 0)) {
    const what = 'the run is unfinished, and has rejected no row so far';
    throw new PrescoreError('USAGE', { what, where, fix: 'Go on with it: prescore run JOB.' });
  }
  await refuseLiveShards(ledger);
  const lease = await HeldLease.take(ledger.records, ledger.folder, `run ${ledger.runId}`);
  await lease.release();
  const request = await new RunRequests(ledger.records).newest(ledger.runId);
  if (request === null || request.end !== null) return;
  const fix = `Wait for them, or stop them: prescore runs cancel JOB ${ledger.runId}.`;
  throw new PrescoreError('RUN_OWNED', { what: `workers are asked to finish run ${ledger.runId}`, where, fix });
}

async function nothingLeft(
  job: Job,
  { plan, ledger }: Attempt,
  committed: Manifest,
  chain: ManifestChain,
  deps: RunDeps,
): Promise<RunDone> {
  const current = await chain.current();
  if (current?.runId === plan.runId) await finishCommit(current, chain, ledger, deps.stores, job.output.gcGraceMs);
  return runDone(plan, committed, { records: [], chunksResumed: 0, inputsChanged: 0, alreadyDone: true, seconds: 0 });
}
