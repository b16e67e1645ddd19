import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { errnoOf } from './file-errors.ts';

/** Files that a killed writer may leave behind start like this; listings show them, callers skip them. */
export const TEMPORARY_PREFIX = '.prescore-tmp-';

const READ_BYTES = 1 << 20;

/** The version token of a file: content that is replaced or rewritten gets another one. */
export function etagOf(info: { readonly mtimeNs: bigint; readonly ino: bigint; readonly size: bigint }): string {
  return `${info.mtimeNs}-${info.ino}-${info.size}`;
}

/** Makes a folder with its parents; what was made is on disk before this returns. */
export async function ensureFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

interface Flush {
  readonly running: Promise<void>;
  /** The one that begins when `running` has ended. */
  next: Promise<void> | null;
}

const flushes = new Map<string, Flush>();

/**
 * Flushes the names in a folder; file systems that cannot do this are taken to need none. Whoever asks while a flush runs,
 * which may have begun before their change, shares the next one: of a thousand parts, a few dozen flushes are left.
 */
export function syncFolder(folder: string): Promise<void> {
  const known = flushes.get(folder);
  if (known === undefined) return startFlush(folder);
  known.next ??= known.running.then(
    () => startFlush(folder),
    () => startFlush(folder),
  );
  return known.next;
}

function startFlush(folder: string): Promise<void> {
  const flush: Flush = { running: flushFolder(folder), next: null };
  flushes.set(folder, flush);
  const settle = (): void => {
    if (flush.next === null) flushes.delete(folder);
  };
  flush.running.then(settle, settle);
  return flush.running;
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Flushes the bytes of a file. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates or replaces a file; readers see the old bytes or the new ones. Durable before it returns. */
export async function replaceFile(path: string, body: Uint8Array): Promise<void> {
  await withTemporary(path, body, async (temporary) => {
    await rename(temporary, path);
  });
}

/** Creates a file whole, or returns false when the name is taken. Durable before it returns. */
export function createFile(path: string, body: Uint8Array): Promise<boolean> {
  return withTemporary(path, body, async (temporary) => {
    const created = await linkIfAbsent(temporary, path);
    await unlink(temporary);
    return created;
  });
}

/** Gives a file a second name; false when that name is taken. */
export async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return false;
    if (errno !== 'EPERM') throw error;
    // On one's own files this errno means that the file system (FAT, some network mounts) has no links.
    const fix = 'Put the output on a local or NFS file system, or into an object store.';
    throw new PrescoreError('STORE_CONFIG', {
      what: 'The file system has no hard links, which commits need',
      where: to,
      fix,
    });
  }
}

/** Reads until `target` is full or the file ends; returns the number of bytes. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** True when a file has exactly this content. */
export async function fileHolds(path: string, size: number, sha256: string): Promise<boolean> {
  if ((await stat(path)).size !== size) return false;
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(READ_BYTES);
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return hash.digest('hex') === sha256;
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Writes and flushes a temporary file beside `path`, has it put in place, and flushes the folder. */
async function withTemporary<T>(path: string, body: Uint8Array, place: (temporary: string) => Promise<T>): Promise<T> {
  const folder = dirname(path);
  const temporary = join(folder, `${TEMPORARY_PREFIX}${process.pid}-${randomBytes(8).toString('hex')}`);
  try {
    const handle = await openNew(temporary, folder);
    try {
      await handle.writeFile(body);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const result = await place(temporary);
    await syncFolder(folder);
    return result;
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

// The folder is nearly always there: to make sure beforehand would be a tenth of the whole.
async function openNew(path: string, folder: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await ensureFolder(folder);
    return open(path, 'wx');
  }
}
