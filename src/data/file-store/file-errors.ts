import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly fix?: string;
  readonly retryable?: boolean;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: { code: 'STORE_NO_SPACE', what: 'The disk is full' },
  EDQUOT: { code: 'STORE_NO_SPACE', what: 'The disk quota is used up' },
  EFBIG: { code: 'STORE_NO_SPACE', what: 'The file is larger than the file system or a limit (ulimit -f) allows' },
  EACCES: denied('No right to use this path', 'Check the owner and mode of the path and its folders.'),
  EPERM: denied('The system does not permit this on the path', 'Check the owner, mode and attributes of the path.'),
  EROFS: denied('The file system is mounted read-only', 'Mount it writable, or put the output elsewhere.'),
  ELOOP: config('Symbolic links of the path form a loop', 'Mend the links.'),
  ENOTDIR: config('A folder of the path is a file', 'Move that file away, or use another path.'),
  EISDIR: config('The path is a folder', 'Name a file, or move the folder away.'),
  ENOENT: config(
    'A folder of the path is missing or was removed meanwhile',
    'Check that nothing else cleans this folder.',
  ),
  ENAMETOOLONG: {
    code: 'URI_INVALID',
    what: 'The name is longer than the file system allows',
    fix: 'Use a shorter name.',
  },
  EXDEV: config(
    'The waiting file lies on another file system than the output',
    'Do not mount over folders of the output.',
  ),
  ENOTSUP: noLinks(),
  EOPNOTSUPP: noLinks(),
  ENOSYS: noLinks(),
  EMLINK: noLinks(),
  EMFILE: unavailable('Too many open files', 'Raise the limit (ulimit -n), then start the same command again.'),
  ENFILE: unavailable('The system has too many open files', 'Close other programs, then start the same command again.'),
  EIO: unavailable('The disk reported an error', 'Check the disk (dmesg), then start the same command again.'),
  ESTALE: unavailable(
    'The network file system lost the file',
    'Start the same command again; finished chunks are kept.',
  ),
  ETIMEDOUT: unavailable(
    'The network file system did not answer',
    'Check the mount, then start the same command again.',
  ),
  EBUSY: unavailable('The file is in use', 'Start the same command again; finished chunks are kept.'),
};

/** The error number's name (`ENOENT`) of a failed system call; null for anything else. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** A failed system call as the store error that says what to do; a PrescoreError passes through. */
export function fileError(error: unknown, where: string): PrescoreError {
  if (isPrescoreError(error)) return error;
  const errno = errnoOf(error);
  const meaning = errno === null ? undefined : MEANINGS[errno];
  if (meaning !== undefined) {
    const { code, what, fix, retryable } = meaning;
    const optional = { ...(fix === undefined ? {} : { fix }), ...(retryable === undefined ? {} : { retryable }) };
    return new PrescoreError(code, { what: `${what} (${errno})`, where, cause: error, ...optional });
  }
  const what = error instanceof Error ? error.message : String(error);
  return new PrescoreError(errno === null ? 'INTERNAL' : 'STORE_CONFIG', { what, where, cause: error });
}

/** Runs file-system work and gives its failures their meaning. */
export async function withFileErrors<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, where);
  }
}

/** The result of the work, or null when the path does not exist. */
export async function nullIfMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    throw error;
  }
}

function denied(what: string, fix: string): Meaning {
  return { code: 'STORE_DENIED', what, fix };
}

function config(what: string, fix: string): Meaning {
  return { code: 'STORE_CONFIG', what, fix };
}

function unavailable(what: string, fix: string): Meaning {
  return { code: 'STORE_UNAVAILABLE', what, fix, retryable: true };
}

function noLinks(): Meaning {
  return config(
    'The file system has no hard links, which commits need',
    'Put the output on a local or NFS file system, or into an object store.',
  );
}
