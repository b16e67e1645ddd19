import { PrescoreError } from './prescore-error.ts';

/** Whether the system or DuckDB says that a disk is full. */
export function isOutOfSpace(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  return error instanceof Error && /No space left on device|disk quota exceeded/i.test(error.message);
}

/** SCRATCH_FULL for a scratch file that does not fit the disk. `where`: the folder of scratch files. */
export function scratchFault(cause: unknown, where: string): PrescoreError {
  return new PrescoreError('SCRATCH_FULL', { what: 'no space is left for a temporary file', where, cause });
}
