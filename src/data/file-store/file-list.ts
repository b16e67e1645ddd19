import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectInfo } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { nullIfMissing } from './file-errors.ts';
import { etagOf } from './file-io.ts';

/** Files that are asked for together: one after the other, ten thousand took a second. */
const AT_A_TIME = 64;

interface Entry {
  readonly path: string;
  /** What the entry sorts by: folders as their content does, with the slash. */
  readonly order: Buffer;
  readonly isFolder: boolean;
}

/**
 * All plain files whose key starts with `prefix`, in byte order of their keys. Links are followed, but not back into a
 * folder that is being walked. Holds the names of one folder per level in memory. Of files in the folder of the prefix whose key is
 * not behind `after` nothing is asked.
 */
export async function* listFiles(prefix: string, after = ''): AsyncGenerator<ObjectInfo> {
  const cut = prefix.lastIndexOf('/') + 1;
  const folder = `/${prefix.slice(0, Math.max(0, cut - 1))}`;
  const ancestors = new Set<string>();
  for (let at = dirname(folder); ; at = dirname(at)) {
    const info = await nullIfMissing(stat(at, { bigint: true }));
    if (info !== null) ancestors.add(identity(info));
    if (at === '/') break;
  }
  if (folder === '/') ancestors.clear();
  const past = after.startsWith(prefix.slice(0, cut)) ? after.slice(cut) : '';
  yield* walk(folder, prefix.slice(cut), ancestors, past);
}

async function* walk(
  folder: string,
  start: string,
  ancestors: ReadonlySet<string>,
  past = '',
): AsyncGenerator<ObjectInfo> {
  const self = await nullIfMissing(stat(folder, { bigint: true }));
  if (self === null || !self.isDirectory() || ancestors.has(identity(self))) return;
  const inside = new Set(ancestors).add(identity(self));
  const entries = await entriesOf(folder, start);
  for (let from = 0; from < entries.length; from += AT_A_TIME) {
    const some = entries.slice(from, from + AT_A_TIME);
    const infos = await Promise.all(
      some.map(async ({ path, order, isFolder }) => {
        const isAsked = !isFolder && (past === '' || Buffer.compare(order, Buffer.from(past)) > 0);
        // It may be gone by now; a listing decides nothing.
        return isAsked ? nullIfMissing(stat(path, { bigint: true })) : null;
      }),
    );
    for (const [i, { path, isFolder }] of some.entries()) {
      if (isFolder) yield* walk(path, '', inside);
      else if (infos[i]?.isFile()) yield infoOf(path.slice(1), infos[i]);
    }
  }
}

async function entriesOf(folder: string, start: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of (await nullIfMissing(readdir(folder, { withFileTypes: true }))) ?? []) {
    if (!entry.name.startsWith(start)) continue;
    const path = join(folder, entry.name);
    let isFolder = entry.isDirectory();
    if (!isFolder && !entry.isFile()) {
      const target = await statLink(path);
      if (target === null) continue;
      isFolder = target.isDirectory();
    } else if (entry.name.includes('\uFFFD') && (await nullIfMissing(stat(path))) === null) {
      // A name in another encoding: leaving it out silently would lose rows.
      throw new PrescoreError('URI_INVALID', {
        what: 'a file name is not valid UTF-8',
        where: path,
        fix: 'Rename the file.',
      });
    }
    entries.push({ path, order: Buffer.from(isFolder ? `${entry.name}/` : entry.name), isFolder });
  }
  return entries.sort((a, b) => Buffer.compare(a.order, b.order));
}

/** Where a link leads; null when it leads nowhere or round in a circle. */
async function statLink(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(error.code)))
      return null;
    throw error;
  }
}

/** The facts of one file. */
export function infoOf(key: string, info: BigIntStats): ObjectInfo {
  return { key, size: Number(info.size), etag: etagOf(info), modifiedMs: Number(info.mtimeMs) };
}

function identity(info: BigIntStats): string {
  return `${info.dev}:${info.ino}`;
}
