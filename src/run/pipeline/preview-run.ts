import type { Job } from '../../base/contract/job.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { partitionFolder } from '../../job/slots/partition-folder.ts';
import { formatRunId, type Slot } from '../../job/slots/run-id.ts';
import { expandTemplate } from '../../job/values/template.ts';
import { ManifestChain } from '../ledger/manifest-chain.ts';
import { RecordStore } from '../ledger/record-store.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import { planRun } from './plan-run.ts';
import type { RunDeps } from './run-deps.ts';

/** What `run` would do for a slot. Nothing is written. */
export interface RunPreview {
  readonly plan: Plan;
  /** 'new': a first plan; 'resume': an unfinished one goes on; 'done': committed. */
  readonly action: 'new' | 'resume' | 'done';
  readonly chunksDone: number;
  /** The run that is committed to this output now. */
  readonly current: string | null;
}

/** Errors: those of planning. Repeat: safe. */
export async function previewRun(job: Job, slot: Slot, asOf: string | null, deps: RunDeps): Promise<RunPreview> {
  const records = new RecordStore(deps.stores, job.state);
  const outputUri = expandTemplate(job.output.uri, slot.partition).replace(/\/+$/, '');
  const chain = new ManifestChain(records, deps.stores, `manifests/${partitionFolder(slot.partition)}`, outputUri);
  const current = await chain.current();
  let existing: Plan | null = null;
  for (let attempt = 1; ; attempt++) {
    const plan = await new RunLedger(records, formatRunId(slot, attempt)).readPlan();
    if (plan === null) break;
    existing = plan;
  }
  if (existing === null) {
    const plan = await planRun(job, slot, 1, asOf, await deps.scorers(), deps);
    return { plan, action: 'new', chunksDone: 0, current: current?.runId ?? null };
  }
  const done = await new RunLedger(records, existing.runId).chunkRecords(existing.chunks.length);
  const isCommitted = (await chain.findRun(existing.runId)) !== null;
  return {
    plan: existing,
    action: isCommitted ? 'done' : 'resume',
    chunksDone: done.filter((r) => r !== null).length,
    current: current?.runId ?? null,
  };
}
