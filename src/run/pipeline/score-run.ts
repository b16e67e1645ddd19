import type { Plan } from '../../base/contract/plan.ts';
import type { ChunkRecord } from '../../base/contract/records.ts';
import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { RunContext } from '../../scoring/child/messages.ts';
import type { ScorerPool } from '../../scoring/pool/scorer-pool.ts';
import type { RunLedger } from '../ledger/run-ledger.ts';
import { longestFirst } from '../plan/cut-chunks.ts';
import { recordChunk } from './record-chunk.ts';
import type { RunDeps } from './run-deps.ts';

/** What a child needs of a plan. */
export function runContext(plan: Plan): RunContext {
  const { runId, state, binding, batchRows, outputColumns, outputUri, scoredAt } = plan;
  return {
    runId,
    state,
    binding,
    batchRows,
    outputColumns,
    outputUri,
    scoredAt,
    compression: plan.job.output.compression,
    rowGroupRows: plan.job.output.rowGroupRows,
    modelName: plan.model.name,
    modelVersion: plan.model.version,
    onBadFile: plan.job.input.onBadFile,
    where: plan.job.where,
    columns: plan.job.columns,
    policy: plan.exact?.policy,
  };
}

/**
 * Scores the chunks that have no record yet (or whose staged bytes are `gone`), longest first, and writes a record for
 * each; gives the records of the plan's chunks (of a shard's share when the plan holds no others). After the first failure nothing more is handed out; what is in the children is finished and recorded.
 *
 * Errors: the first chunk's; INTERRUPTED when `deps.stop` fired. Repeat: safe; recorded chunks are never scored again.
 */
export async function scoreRun(
  plan: Plan,
  found: readonly (ChunkRecord | null)[],
  gone: ReadonlySet<number>,
  ledger: RunLedger,
  pool: ScorerPool,
  deps: RunDeps,
): Promise<ChunkRecord[]> {
  const records = [...found];
  const missing = longestFirst(plan.chunks.filter((c) => records[c.n] == null || gone.has(c.n)));
  let rowsDone = records.reduce((sum, r) => sum + (r === null || gone.has(r.n) ? 0 : r.rowsIn), 0);
  let failure: PrescoreError | null = null;
  const stop = (reason: PrescoreError): void => {
    failure ??= reason;
    pool.abandonQueued(failure, plan.runId);
  };
  const interrupted = (): void => stop(new PrescoreError('INTERRUPTED', { what: 'interrupted', where: plan.runId }));
  if (deps.stop.aborted) interrupted();
  deps.stop.addEventListener('abort', interrupted, { once: true });
  pool.bind(runContext(plan));
  await Promise.all(
    missing.map(async (chunk) => {
      try {
        if (failure !== null) return;
        const result = await pool.score({
          runId: plan.runId,
          chunk,
          files: plan.files,
          onRows: (rows) => {
            rowsDone += rows;
            deps.emit({ event: 'progress', runId: plan.runId, rowsDone });
          },
        });
        const k = gone.has(chunk.n) ? (records[chunk.n]?.k ?? -1) + 1 : 0;
        const holds = await recordChunk(plan, chunk, result, k, ledger, deps);
        records[chunk.n] = holds;
        deps.emit({
          event: 'chunk',
          runId: plan.runId,
          n: chunk.n,
          rows: holds.rowsIn,
          rejected: holds.rowsRejected,
          ...(holds.rowsFiltered === undefined ? {} : { filtered: holds.rowsFiltered }),
          attempt: result.attempt,
          seconds: holds.timings.totalMs / 1000,
        });
      } catch (error) {
        stop(toPrescoreError(error));
      }
    }),
  );
  deps.stop.removeEventListener('abort', interrupted);
  pool.unbind(plan.runId);
  if (failure !== null) throw failure;
  return plan.chunks.map(({ n }) => {
    const record = records[n];
    if (record == null) throw new PrescoreError('INTERNAL', { what: `chunk ${n} has no record`, where: plan.runId });
    return record;
  });
}
