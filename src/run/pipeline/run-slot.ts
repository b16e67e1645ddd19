import type { Job } from '../../base/contract/job.ts';
import type { RunDone } from '../../base/contract/run-events.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { HeldLease } from '../ledger/lease.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { refuseLiveShards } from '../ledger/shard-split.ts';
import { decideReplay } from './decide-replay.ts';
import { chainOf, decideSlot, probeStores } from './decide-slot.ts';
import { finishRun } from './finish-run.ts';
import { preparePlan } from './prepare-plan.ts';
import type { RunDeps, RunOptions } from './run-deps.ts';

/**
 * Runs one slot to its commit in this process: a new plan, or the unfinished one resumed, or "already done". The decisions
 * are those of docs/runs.md. Workers of a queue take the same steps one by one (fleet/queue/run-steps.ts).
 *
 * Errors: SUPERSEDED (before anything is written), RUN_OWNED, RUN_INCOMPATIBLE, RUN_OTHER_DEFINITION, INPUT_CHANGED, those of planning, scoring and commit.
 */
export async function runSlot(job: Job, slot: Slot, options: RunOptions, deps: RunDeps): Promise<RunDone> {
  const started = performance.now();
  const records = new RecordStore(deps.stores, job.state);
  const chain = chainOf(job, slot.partition, records, deps);
  const decide = options.replayOf === undefined ? decideSlot : decideReplay;
  const decision = await decide(job, slot, options, deps);
  if (decision.kind === 'done') return { ...decision.done, seconds: (performance.now() - started) / 1000 };
  await probeStores(job, deps);
  for (let { attempt } = decision; ; attempt++) {
    const ledger = new RunLedger(records, formatRunId(slot, attempt));
    const lease = await HeldLease.take(records, ledger.folder, `run ${ledger.runId}`);
    const held = { ...deps, stop: AbortSignal.any([deps.stop, lease.lost]) };
    try {
      await refuseLiveShards(ledger);
      const prepared = await preparePlan(job, slot, attempt, ledger, options, held, decision.replays);
      if (prepared !== 'replan') return await finishRun(prepared, job, ledger, chain, options, held, started);
    } finally {
      await lease.release();
    }
  }
}
