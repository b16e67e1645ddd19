import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { LaunchRequest } from '../../base/contract/run-launcher.ts';
import { formatRunId } from '../../job/slots/run-id.ts';
import { RecordStore } from '../../run/ledger/record-store.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import { inputProblem } from '../../run/plan/input-ready.ts';

/**
 * Why the slot of a schedule with waitForInput cannot begin yet; null when it can. What is planned has its inputs pinned: it goes
 * on, whatever the marker says.
 *
 * Errors: those of the store.
 */
export async function whyWaiting(request: LaunchRequest, stores: StoreResolver): Promise<string | null> {
  const { job, partition, logicalTime } = request;
  if (request.origin !== 'schedule' || job.schedule?.waitForInput == null) return null;
  const runId = formatRunId({ job: job.name, partition, logicalTime }, 1);
  const plan = await new RunLedger(new RecordStore(stores, job.state), runId).readPlan();
  return plan === null ? inputProblem(job, partition, stores) : null;
}
