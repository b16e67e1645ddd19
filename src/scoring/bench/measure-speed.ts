import { timeOf } from '../../model/certify/time-of.ts';
import { autoBatchRows } from '../tensor/slab-layout.ts';
import { type Feeds, type RowsPiece, repeated } from './compare-rows.ts';
import type { Speed } from './comparison.ts';
import { forgetPeak, peakBytes } from './resident.ts';

type Run = (feeds: Feeds) => Promise<unknown>;

const SIZES = [1, 64, 4096];
const LEAST_RUNS = 3;
const SIZE_MS = 1500;
/** A size of which one batch would take longer, or more memory, is left out. */
const LONGEST_MS = 10_000;
const MOST_BYTES = 1024 ** 3;

/**
 * Rows a second of two models in batches of 1, 64 and 4,096 rows (fewer where rows are large), in turns, so that whatever else the machine
 * does slows both. A size whose batches would take ten seconds or a gigabyte is left out.
 *
 * Errors: those of `run`.
 */
export async function measureSpeed(
  piece: RowsPiece,
  fixedBatch: number | null,
  rowBytes: number,
  parent: Run,
  changed: Run,
): Promise<Speed[]> {
  const sizes = fixedBatch === null ? SIZES.map((size) => Math.min(size, autoBatchRows(rowBytes))) : [fixedBatch];
  const found: Speed[] = [];
  let [rowMs, grownBytes] = [0, 0];
  for (const batchRows of new Set(sizes)) {
    if (rowMs * batchRows > LONGEST_MS || grownBytes * batchRows > MOST_BYTES) break;
    const feeds = repeated(piece, batchRows);
    forgetPeak();
    const before = peakBytes();
    const best = { parent: Number.POSITIVE_INFINITY, changed: Number.POSITIVE_INFINITY };
    const until = performance.now() + SIZE_MS;
    for (let n = 0; n < LEAST_RUNS || performance.now() < until; n++) {
      // The first run plans memory.
      best.parent = Math.min(best.parent, await timeOf(() => parent(feeds)));
      best.changed = Math.min(best.changed, await timeOf(() => changed(feeds)));
    }
    rowMs = Math.max(best.parent, best.changed) / batchRows;
    grownBytes = (peakBytes() - before) / batchRows;
    const speed = (ms: number): number => Math.round((batchRows / ms) * 1000);
    found.push({ batchRows, parent: speed(best.parent), changed: speed(best.changed) });
  }
  return found;
}
