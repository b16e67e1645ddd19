import type { Plan, PlannedChunk } from '../../base/contract/plan.ts';
import type { ChunkRecord } from '../../base/contract/records.ts';
import { faultPoint } from '../../base/telemetry/fault-point.ts';
import { digestOf } from '../../job/slots/canonical-json.ts';
import { RunLedger } from '../ledger/run-ledger.ts';

const IN_FLIGHT = 16;

/**
 * Records the chunks of a replay that `replayOf` scored without a reject: their parts become this run's too. A part is taken over only
 * under the same number, by the same bytes read in the same way, and into the same columns; any other chunk is left to be scored.
 * Repeat: safe; records that are there hold.
 */
export async function takeOver(plan: Plan, replayOf: string, ledger: RunLedger): Promise<void> {
  faultPoint('replay-planned');
  const source = new RunLedger(ledger.records, replayOf);
  const before = await source.readPlan();
  if (before === null || digestOf(before.outputColumns) !== digestOf(plan.outputColumns)) return;
  if (before.outputUri !== plan.outputUri) return;
  const waiting = plan.chunks.filter((chunk) => isSameChunk(before, plan, chunk));
  const lane = async (): Promise<void> => {
    for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
      const record = await source.chunkRecord(chunk.n);
      if (record === null || record.rowsRejected > 0) continue;
      await ledger.createChunkRecord(takenOver(record, plan.runId));
      faultPoint('taken-over');
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, waiting.length) }, lane));
}

function takenOver(record: ChunkRecord, runId: string): ChunkRecord {
  return { ...record, runId, k: 0, takenFrom: record.takenFrom ?? record.runId };
}

function isSameChunk(before: Plan, plan: Plan, { n }: PlannedChunk): boolean {
  return before.chunks[n] !== undefined && digestOf(slicesOf(before, n)) === digestOf(slicesOf(plan, n));
}

// Files by themselves and not by number: others may have come before them.
function slicesOf({ chunks, files }: Plan, n: number): unknown {
  return chunks[n]!.slices.map(({ file, rowStart, rowEnd }) => ({ file: files[file], rowStart, rowEnd }));
}
