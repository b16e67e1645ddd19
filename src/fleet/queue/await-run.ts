import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../base/contract/plan.ts';
import type { PublicationEnd, RunEnd } from '../../base/contract/queue-records.ts';
import type { RunEvent } from '../../base/contract/run-events.ts';
import { fromErrorJson, PrescoreError } from '../../base/errors/prescore-error.ts';
import { plannedRows } from '../../run/ledger/planned-rows.ts';
import { RunLedger } from '../../run/ledger/run-ledger.ts';
import type { RunRequests } from '../../run/ledger/run-requests.ts';

const FIRST_MS = 100;
const LONGEST_MS = 1_000;
/** A run that is not planned by then is put into the queue again. */
const QUIET_MS = 10_000;
/** Above it, chunks are counted from a listing alone instead of reading each one's record. */
const MOST_READ = 500;

/**
 * Follows a run to its end by its records alone, so that it makes no difference where it is worked on. Tells `planned`, `chunk`
 * and `progress` as they are noticed.
 *
 * Errors: INTERRUPTED when `stop` fires (the run goes on); those of the store.
 */
export async function awaitRun(
  requests: RunRequests,
  runId: string,
  emit: (event: RunEvent) => void,
  stop: AbortSignal,
  onQuiet: () => Promise<void> = () => Promise.resolve(),
): Promise<RunEnd> {
  const seen = new ChunkWatch(new RunLedger(requests.records, runId), emit);
  let pause = FIRST_MS;
  let movedAt = performance.now();
  for (;;) {
    const newest = await requests.newest(runId);
    if (newest === null) throw new PrescoreError('RUN_NOT_FOUND', { what: 'there is no such run', got: runId });
    if (await seen.look()) movedAt = performance.now();
    if (newest.end !== null) return newest.end;
    // Once there is a plan, the worker that made it knows of the run, and so does every reconciler.
    if (!seen.isPlanned && performance.now() - movedAt > QUIET_MS) {
      movedAt = performance.now();
      await onQuiet().catch(() => undefined);
    }
    await nap(pause, stop, runId);
    pause = Math.min(LONGEST_MS, pause * 1.3);
  }
}

/** Waits for a publication. Errors: INTERRUPTED. */
export async function awaitPublication(requests: RunRequests, id: string, stop: AbortSignal): Promise<PublicationEnd> {
  for (let pause = FIRST_MS; ; pause = Math.min(LONGEST_MS, pause * 1.3)) {
    const end = await requests.publicationEnd(id);
    if (end !== null) return end;
    await nap(pause, stop, id);
  }
}

/** Why a run ended without being done. */
export function endError(end: RunEnd & { readonly kind: 'failed' | 'cancelled' }): PrescoreError {
  if (end.kind === 'failed') return fromErrorJson(end.error);
  return new PrescoreError('RUN_CANCELLED', { what: `run ${end.runId} was cancelled by ${end.by}`, where: end.runId });
}

class ChunkWatch {
  private readonly ledger: RunLedger;
  private readonly emit: (event: RunEvent) => void;
  private readonly told = new Set<number>();
  private plan: Plan | null = null;
  private rowsDone = 0;

  constructor(ledger: RunLedger, emit: (event: RunEvent) => void) {
    this.ledger = ledger;
    this.emit = emit;
  }

  get isPlanned(): boolean {
    return this.plan !== null;
  }

  /** True when something is new. */
  async look(): Promise<boolean> {
    const { runId } = this.ledger;
    const isFirst = this.plan === null;
    this.plan ??= await this.ledger.readPlan();
    const { plan } = this;
    if (plan === null) return false;
    const listed = await this.ledger.listedChunks();
    const fresh = [...listed].filter(([n]) => !this.told.has(n));
    const isRead = plan.chunks.length <= MOST_READ;
    const records = isRead ? await this.ledger.listedRecords(plan.chunks.length, new Map(fresh)) : [];
    for (const [n] of fresh) {
      this.told.add(n);
      this.rowsDone += records[n]?.rowsIn ?? plan.chunks[n]?.rows ?? 0;
    }
    if (isFirst) {
      this.emit({
        event: 'planned',
        runId,
        partition: plan.partition,
        isResumed: fresh.length > 0,
        files: plan.files.length,
        skipped: plan.skipped.length,
        chunks: plan.chunks.length,
        chunksDone: fresh.length,
        rows: plannedRows(plan),
        rowsDone: this.rowsDone,
      });
      return true;
    }
    for (const [n] of fresh) {
      const record = records[n];
      this.emit({
        event: 'chunk',
        runId,
        n,
        rows: record?.rowsIn ?? plan.chunks[n]?.rows ?? 0,
        rejected: record?.rowsRejected ?? 0,
        attempt: record?.attempt ?? 1,
        seconds: (record?.timings.totalMs ?? 0) / 1000,
      });
    }
    if (fresh.length > 0) this.emit({ event: 'progress', runId, rowsDone: this.rowsDone });
    return fresh.length > 0;
  }
}

async function nap(ms: number, stop: AbortSignal, where: string): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
  if (!stop.aborted) return;
  throw new PrescoreError('INTERRUPTED', {
    what: 'nobody waits for the run any more; workers go on with it',
    where,
    fix: 'Follow it with prescore runs show, or end it with prescore runs cancel.',
  });
}
