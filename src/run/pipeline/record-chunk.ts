import type { Plan, PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkRecord, ChunkResult } from '../../base/contract/records.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import type { RunLedger } from '../ledger/run-ledger.ts';
import type { RunDeps } from './run-deps.ts';

/**
 * Records that chunk `n` is scored: attempt `k` of its record, 0 unless the staged bytes of an earlier one are gone. The
 * record that holds may be another attempt's; what this one staged is dropped then.
 *
 * Errors: INTERNAL when rows of the chunk are missing; those of the store. Repeat: safe.
 */
export async function recordChunk(
  plan: Plan,
  chunk: PlannedChunk,
  result: ChunkResult & { readonly attempt: number },
  k: number,
  ledger: RunLedger,
  deps: Pick<RunDeps, 'stores' | 'now'> & { readonly worker?: string },
): Promise<ChunkRecord> {
  const { n, rows } = chunk;
  if (rows !== null && result.rowsIn !== rows) throw lostRows(plan.runId, n, rows, result.rowsIn);
  faultPoint('between-part-and-record');
  const { attempt, ...facts } = result;
  const worker = deps.worker ?? `${process.pid}`;
  const finishedAt = deps.now().toISOString();
  const mine: ChunkRecord = { format: 1, runId: plan.runId, n, k, ...facts, attempt, worker, finishedAt };
  const holds = await ledger.createChunkRecord(mine);
  faultPoint('after-record');
  await dropLoser(plan, mine, holds, deps);
  return holds;
}

// Another attempt was recorded first: what this one staged is not needed.
async function dropLoser(
  plan: Plan,
  mine: ChunkRecord,
  holds: ChunkRecord,
  deps: Pick<RunDeps, 'stores'>,
): Promise<void> {
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
