import { open, type RootDatabase } from 'lmdb';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A file of pages by bucket number. */
export type PageFile = RootDatabase<Buffer, number>;
/** A file of entries by key bytes. */
export type EntryFile = RootDatabase<Buffer, Buffer>;

/** Opens a finished generation to read. Errors: see `lmdbError`. */
export function openPages(path: string): PageFile {
  return open<Buffer, number>({ path, noSubdir: true, readOnly: true, encoding: 'binary', keyEncoding: 'uint32' });
}

/**
 * Opens a new generation to fill: without sync, because a file that is not finished is thrown away after a crash; `finish` of
 * its writer syncs once. Errors: see `lmdbError`.
 */
export function openNewPages(path: string): PageFile {
  return open<Buffer, number>({
    path,
    noSubdir: true,
    noSync: true,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'uint32',
  });
}

/** Opens the overlay, which several processes write. Errors: see `lmdbError`. */
export function openEntries(path: string, isReadOnly: boolean): EntryFile {
  return open<Buffer, Buffer>({
    path,
    noSubdir: true,
    readOnly: isReadOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  });
}

/** What a failure of LMDB or of its folder means, once. */
export function lmdbError(error: unknown, where: string): PrescoreError {
  if (error instanceof PrescoreError) return error;
  const { code } = error as { code?: unknown };
  const text = error instanceof Error ? error.message : String(error);
  const details = { what: text.split('\n')[0]!, where, cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 28 || /no space left|quota exceeded/i.test(text))
    return new PrescoreError('PREDICTIONS_FULL', details);
  if (code === 'EROFS' || code === 30 || /read-only file system/i.test(text))
    return new PrescoreError('PREDICTIONS_READONLY', details);
  if (code === 'EACCES' || code === 'EPERM' || code === 13 || /permission denied/i.test(text))
    return new PrescoreError('PREDICTIONS_DENIED', details);
  return new PrescoreError('PREDICTIONS_UNAVAILABLE', details);
}
