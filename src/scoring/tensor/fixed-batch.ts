import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A fixed batch is packed as a whole, several at a time. */
const MAX_FIXED_BATCH_BYTES = 64 * 1024 * 1024;

/** Refuses a model whose batches have a length that cannot be packed. `bytes`: of the features of a batch. Errors: MODEL_BATCH_AXIS. */
export function refuseFixedBatch(batch: number, bytes: number, where: string): void {
  if (batch > 0 && bytes <= MAX_FIXED_BATCH_BYTES) return;
  throw new PrescoreError('MODEL_BATCH_AXIS', {
    what: `the model takes batches of exactly ${batch} rows`,
    where,
    expected: batch > 0 ? 'at most 64 MiB of features a batch' : 'at least one row',
    got: `${bytes} bytes`,
  });
}
