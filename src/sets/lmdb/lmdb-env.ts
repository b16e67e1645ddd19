import { type Key, open, type RootDatabase } from 'lmdb';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/**
 * Processes (or threads with an own connection) that may have one file open. A slot takes 64 bytes of the lock file and is looked at only
 * once it was used, so many cost 256 KiB of a sparse file. LMDB's own 126 are too few for a process per core of a large machine.
 */
export const MOST_READERS = 4096;
const READERS_FULL = -30790;

/** A file of pages by bucket number. */
export type PageFile = RootDatabase<Buffer, number>;
/** A file of entries by key bytes. */
export type EntryFile = RootDatabase<Buffer, Buffer>;

/** Opens a finished generation to read. Errors: see `lmdbError`. */
export function openPages(path: string): PageFile {
  const file = open<Buffer, number>({
    path,
    noSubdir: true,
    readOnly: true,
    encoding: 'binary',
    keyEncoding: 'uint32',
    maxReaders: MOST_READERS,
  });
  return withSlot(file, 0);
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
  const file = open<Buffer, Buffer>({
    path,
    noSubdir: true,
    readOnly: isReadOnly,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    maxReaders: MOST_READERS,
  });
  return withSlot(file, Buffer.from([0]));
}

// The first read takes the slot that this process keeps until it closes the file. Slots of processes that were killed are cleared when
// a file is opened; those of processes that were killed just now are cleared here.
function withSlot<V, K extends Key>(file: RootDatabase<V, K>, key: K): RootDatabase<V, K> {
  try {
    try {
      file.getBinaryFast(key);
    } catch (error) {
      if (!isReadersFull(error)) throw error;
      file.readerCheck();
      file.getBinaryFast(key);
    }
    return file;
  } catch (error) {
    void file.close().catch(() => undefined);
    throw error;
  }
}

function isReadersFull(error: unknown): boolean {
  return (error as { code?: unknown }).code === READERS_FULL;
}

/** What a failure of LMDB or of its folder means, once. */
export function lmdbError(error: unknown, where: string): PrescoreError {
  if (error instanceof PrescoreError) return error;
  const { code } = error as { code?: unknown };
  const text = error instanceof Error ? error.message : String(error);
  const details = { what: text.split('\n')[0]!, where, cause: error };
  if (isReadersFull(error)) {
    const what = 'as many processes as its lock file has places for have this set open';
    return new PrescoreError('PREDICTIONS_READERS', { ...details, what, expected: `${MOST_READERS} at most` });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 28 || /no space left|quota exceeded/i.test(text))
    return new PrescoreError('PREDICTIONS_FULL', details);
  if (code === 'EROFS' || code === 30 || /read-only file system/i.test(text))
    return new PrescoreError('PREDICTIONS_READONLY', details);
  if (code === 'EACCES' || code === 'EPERM' || code === 13 || /permission denied/i.test(text))
    return new PrescoreError('PREDICTIONS_DENIED', details);
  return new PrescoreError('PREDICTIONS_UNAVAILABLE', details);
}
