import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';

/** What the system and DuckDB say when room is short, by the codes of prescore; any other error as it is. */
export function mapNative(error: unknown): PrescoreError {
  const text = error instanceof Error ? error.message : '';
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || /No space left on device/i.test(text)) {
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
