import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';

/**
 * What the system and DuckDB say when room is short, by the codes of prescore; any other error as it is. `scratchDir`: where
 * a file that does not fit has to do with TMPDIR, not with the store.
 */
export function mapNative(error: unknown, scratchDir?: string): PrescoreError {
  const text = error instanceof Error ? error.message : '';
  if (isOutOfSpace(error)) {
    if (scratchDir !== undefined && text.includes(scratchDir)) return scratchFault(error, scratchDir);
    return new PrescoreError('STORE_NO_SPACE', { what: 'no space left on the device', cause: error });
  }
  if (/max_temp_directory_size|failed to offload/i.test(text)) {
    return new PrescoreError('SCRATCH_LIMIT', { what: text.split('\n')[0]!, cause: error });
  }
  if (/^Out of Memory Error/i.test(text)) {
    return new PrescoreError('INPUT_TOO_LARGE', { what: text.split('\n')[0]!, cause: error });
  }
  return toPrescoreError(error);
}
