import type { Plan } from '../contract/plan.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { PrescoreError, toPrescoreError } from '../errors/prescore-error.ts';
import type { RunLedger } from '../ledger/run-ledger.ts';
import { longestFirst } from '../plan/cut-chunks.ts';
import type { RunContext } from '../scorer/messages.ts';
import type { ScorerPool } from '../scorer/scorer-pool.ts';
import { faultPoint } from '../telemetry/fault-point.ts';
import type { RunDeps } from './run-deps.ts';

/** What a child needs of a plan. */
export function runContext(plan: Plan): RunContext {
  const { runId, state, binding, batchRows, files, outputColumns, outputUri, scoredAt } = plan;
  return {
    runId,
    state,
    binding,
    batchRows,
    files,
    outputColumns,
    outputUri,
    scoredAt,
    compression: plan.job.output.compression,
    rowGroupRows: plan.job.output.rowGroupRows,
    modelName: plan.model.name,
    modelVersion: plan.model.version,
    onBadFile: plan.job.input.onBadFile,
  };
}

/**
 * Scores the chunks that have no record yet (or whose staged bytes are `gone`), longest first, and writes a record for
 * each. After the first failure nothing more is handed out; what is in the children is finished and recorded.
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
          onRows: (rows) => {
            rowsDone += rows;
            deps.emit({ event: 'progress', runId: plan.runId, rowsDone });
          },
        });
        if (chunk.rows !== null && result.rowsIn !== chunk.rows)
          throw lostRows(plan.runId, chunk.n, chunk.rows, result.rowsIn);
        faultPoint('between-part-and-record');
        const k = gone.has(chunk.n) ? (records[chunk.n]?.k ?? -1) + 1 : 0;
        const { attempt, ...facts } = result;
        const mine: ChunkRecord = {
          format: 1,
          runId: plan.runId,
          n: chunk.n,
          k,
          ...facts,
          attempt,
          worker: `${process.pid}`,
          finishedAt: deps.now().toISOString(),
        };
        const holds = await ledger.createChunkRecord(mine);
        await dropLoser(plan, mine, holds, deps);
        records[chunk.n] = holds;
        deps.emit({
          event: 'chunk',
          runId: plan.runId,
          n: chunk.n,
          rows: holds.rowsIn,
          rejected: holds.rowsRejected,
          attempt,
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
  return records.map((record, n) => {
    if (record === null) throw new PrescoreError('INTERNAL', { what: `chunk ${n} has no record`, where: plan.runId });
    return record;
  });
}

// Another attempt was recorded first: what this one staged is not needed.
async function dropLoser(plan: Plan, mine: ChunkRecord, holds: ChunkRecord, deps: RunDeps): Promise<void> {
  if (holds === mine || mine.part === null) return;
  if (JSON.stringify(holds.part?.staged) === JSON.stringify(mine.part.staged)) return;
  const { store, key } = deps.stores.at(`${plan.outputUri}/${mine.part.name}`);
  await store.abortStaged(key, mine.part.staged);
}

// Every planned row is scored or rejected; anything else would be lost without a word.
function lostRows(runId: string, n: number, planned: number, seen: number): PrescoreError {
  const what = `chunk ${n} was walked without all of its rows`;
  return new PrescoreError('INTERNAL', { what, where: runId, expected: `${planned} rows`, got: `${seen}` });
}
