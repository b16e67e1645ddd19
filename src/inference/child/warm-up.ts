import type { Signature } from '../../base/contract/signature.ts';
import type { BatchAxis } from '../../model/elements/batch-axis.ts';
import { elementBytes, zeros } from '../../model/elements/elements.ts';
import type { FrameTensor } from './live-frame.ts';
import { countOf } from './tensor-data.ts';

const LARGEST_BYTES = 64 * 1024 * 1024;

/** Feeds of zeros and empty texts for one batch; null when they would be larger than 64 MiB. */
export function warmUpFeeds(signature: Signature, axis: BatchAxis, rows: number): FrameTensor[] | null {
  const shapes = signature.inputs.map(({ name, type, dims }) => {
    const isBatched = axis.batched.has(name);
    const tail = dims.slice(isBatched ? 1 : 0).map((d) => d ?? 1);
    return { name, type: type ?? 'float32', dims: isBatched ? [rows, ...tail] : tail };
  });
  const bytes = shapes.reduce((sum, { type, dims }) => sum + countOf(dims) * elementBytes(type), 0);
  if (bytes > LARGEST_BYTES) return null;
  return shapes.map(({ name, type, dims }) => ({ name, type, dims, pieces: [zeros(type, countOf(dims))] }));
}

/** Batch sizes that a server will meet: single rows and full batches. */
export function warmUpRows(axis: BatchAxis, maxBatchRows: number): number[] {
  return [...new Set(axis.fixedBatch === null ? [1, maxBatchRows] : [axis.fixedBatch])];
}
