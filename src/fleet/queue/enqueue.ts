import { randomBytes } from 'node:crypto';
import type { Job } from '../../base/contract/job.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan, Versions } from '../../base/contract/plan.ts';
import type { Origin, Publication, RunRequest } from '../../base/contract/queue-records.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { RunRequests } from '../../run/ledger/run-requests.ts';
import { decideSlot, probeStores } from '../../run/pipeline/decide-slot.ts';
import { incompatible, otherFields } from '../../run/pipeline/prepare-plan.ts';
import type { RunOptions } from '../../run/pipeline/run-deps.ts';

/** Chunks of one run that are in the queue at a time, unless it is said otherwise. */
export const WINDOW = 64;

/** What asking for runs needs. */
export interface AskDeps {
  readonly stores: StoreResolver;
  readonly versions: Versions;
  readonly warn: (text: string) => void;
  readonly now: () => Date;
  /** `host:pid`. */
  readonly by: string;
}

/** `joined`: somebody had asked for the same already. */
export type Asked =
  | { readonly kind: 'done'; readonly done: RunDone }
  | { readonly kind: 'asked'; readonly runId: string; readonly isJoined: boolean };

/**
 * Asks workers for a slot, in the object store alone: decides which attempt it is as `run` does, and writes the request. Whoever
 * has a queue then says so with a `plan` task; else the reconciler of a worker finds it.
 *
 * Errors: MODEL_UNPINNED, SUPERSEDED, RUN_INCOMPATIBLE, RUN_OTHER_DEFINITION, those of the store. Repeat: joins what is live; asks again for
 * what failed or was cancelled.
 */
export async function askForRun(
  job: Job,
  slot: Slot,
  options: RunOptions,
  how: { readonly origin: Origin; readonly window: number },
  deps: AskDeps,
): Promise<Asked> {
  if (job.model.sha256 === null && !options.allowUnpinned) {
    const what = 'model.sha256 is missing';
    throw new PrescoreError('MODEL_UNPINNED', { what, where: 'model.sha256', expected: 'the sha256 of the model' });
  }
  const decision = await decideSlot(job, slot, options, deps);
  if (decision.kind === 'done') return decision;
  await probeStores(job, deps);
  const records = new RecordStore(deps.stores, job.state);
  const isOther = decision.plan !== null && (await mustReplan(job, decision.plan, records));
  const attempt = decision.attempt + (isOther ? 1 : 0);
  const runId = formatRunId(slot, attempt);
  const requests = new RunRequests(records);
  for (;;) {
    const newest = await requests.newest(runId);
    if (newest !== null && newest.end === null && JSON.stringify(newest.request.job) === JSON.stringify(job)) {
      return { kind: 'asked', runId, isJoined: true };
    }
    const { isForced, allowUnpinned, asOf } = options;
    const isCreated = await requests.create({
      format: 1,
      runId,
      k: (newest?.request.k ?? 0) + 1,
      partition: slot.partition,
      logicalTime: slot.logicalTime,
      attempt,
      job,
      origin: how.origin,
      options: { isForced, allowUnpinned, asOf },
      window: how.window,
      requestedAt: deps.now().toISOString(),
      by: deps.by,
    });
    if (isCreated) return { kind: 'asked', runId, isJoined: false };
  }
}

/** Asks again for a run that failed or was cancelled. Errors: USAGE when it is live, done, or was never asked for. */
export async function askAgain(
  requests: RunRequests,
  runId: string,
  deps: Pick<AskDeps, 'now' | 'by'>,
): Promise<RunRequest> {
  const newest = await requests.newest(runId);
  const where = `${requests.records.uri}/runs/${runId}`;
  if (newest === null) throw new PrescoreError('USAGE', { what: 'no worker was asked for this run', where });
  if (newest.end === null) throw new PrescoreError('USAGE', { what: 'the run is queued or running', where });
  if (newest.end.kind === 'done') throw new PrescoreError('USAGE', { what: 'the run is done', where });
  const { request } = newest;
  const again = { ...request, k: request.k + 1, requestedAt: deps.now().toISOString(), by: deps.by };
  // Somebody who asked at the same time asked for the same.
  await requests.create(again);
  return again;
}

/** Asks for the job's set to be published once, after some runs. Gives its id. */
export async function askForPublication(
  requests: RunRequests,
  publication: Pick<Publication, 'job' | 'origin' | 'after' | 'hasCommitted' | 'partition' | 'isForced' | 'isRebuild'>,
  deps: Pick<AskDeps, 'now' | 'by'>,
): Promise<string> {
  const id = randomBytes(9).toString('base64url');
  const requestedAt = deps.now().toISOString();
  await requests.createPublication({ format: 1, id, ...publication, requestedAt, by: deps.by });
  return id;
}

// Versions are those of workers, not of who asks.
async function mustReplan(job: Job, plan: Plan, records: RecordStore): Promise<boolean> {
  const fields = otherFields(job, plan, job.model.sha256 ?? plan.model.sha256, plan.versions);
  if (fields === null) return false;
  const isBegun = (await new RunLedger(records, plan.runId).listedChunks()).size > 0;
  if (isBegun) throw incompatible(plan, fields);
  return true;
}
