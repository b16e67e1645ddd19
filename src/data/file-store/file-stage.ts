import { randomBytes } from 'node:crypto';
import { constants, copyFile, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { LocalPart, StagedPart } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { requireSize } from '../object-store/bounds.ts';
import { errnoOf, nullIfMissing } from './file-errors.ts';
import { ensureFolder, fileHolds, linkIfAbsent, syncFile, syncFolder } from './file-io.ts';

type WaitingPart = StagedPart & { readonly kind: 'file' };

/** A new name in `.prescore-<run>/` beside `path`, on the same file system; the folder exists afterwards. */
export async function waitingPath(path: string, runId: string): Promise<string> {
  const folder = waitingFolder(path, runId);
  await ensureFolder(folder);
  return join(folder, `${basename(path)}.${randomBytes(8).toString('hex')}.waiting`);
}

/**
 * Flushes a part that will become `path`. A file that does not lie in the waiting folder already is copied there.
 *
 * Errors: INTERNAL when the file has another size than recorded.
 */
export async function stageFile(path: string, local: LocalPart): Promise<WaitingPart> {
  requireSize(local, (await stat(local.path)).size);
  let waiting = local.path;
  if (dirname(local.path) !== waitingFolder(path, local.runId)) {
    waiting = await waitingPath(path, local.runId);
    await copyFile(local.path, waiting, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
  await syncFile(waiting);
  await syncFolder(dirname(waiting));
  return { kind: 'file', waiting, size: local.size, sha256: local.sha256 };
}

/** Links a waiting part into place and removes its waiting name. Repeat: safe. */
export async function completeFile(path: string, staged: WaitingPart): Promise<'completed' | 'gone'> {
  const placed = await place(path, staged);
  if (placed === 'lost') return 'gone';
  if (placed === 'taken' && !(await fileHolds(path, staged.size, staged.sha256))) {
    throw new PrescoreError('NONDETERMINISTIC', { what: 'The output holds a part with other bytes', where: path });
  }
  await syncFolder(dirname(path));
  // Its folder goes with `dropStaged`, once for all parts.
  await nullIfMissing(unlink(staged.waiting));
  return 'completed';
}

/** Removes a waiting part, and its folder when it was the last one. Repeat: safe. */
export async function dropWaiting(staged: WaitingPart): Promise<void> {
  const folder = dirname(staged.waiting);
  if ((await nullIfMissing(unlink(staged.waiting).then(() => true))) === null) return;
  try {
    await rmdir(folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    // Other parts wait there, or another process was faster.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** The waiting folders of a run in `folder` and below; links are not followed. */
export async function* waitingFolders(folder: string, runId: string): AsyncGenerator<string> {
  const wanted = basename(waitingFolder(join(folder, 'any'), runId));
  for (const entry of (await nullIfMissing(readdir(folder, { withFileTypes: true }))) ?? []) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (entry.name === wanted) yield path;
    else yield* waitingFolders(path, runId);
  }
}

async function place(path: string, staged: WaitingPart): Promise<'linked' | 'taken' | 'lost'> {
  const waiting = await nullIfMissing(stat(staged.waiting));
  if (waiting?.size === staged.size) {
    try {
      return (await linkIfAbsent(staged.waiting, path)) ? 'linked' : 'taken';
    } catch (error) {
      // Another process completed the same part between the two calls.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  return (await nullIfMissing(stat(path))) === null ? 'lost' : 'taken';
}

function waitingFolder(path: string, runId: string): string {
  if (!/^[\w.@=+-]+$/.test(runId))
    throw new PrescoreError('INTERNAL', { what: 'A run id cannot be a folder name', got: runId });
  return join(dirname(path), `.prescore-${runId}`);
}
