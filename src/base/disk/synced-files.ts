import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a new file so that it survives a loss of power. Errors: those of the disk; EEXIST. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes names in a folder durable: those of files that were linked or renamed. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Puts a value into a JSON file for people and programs: readers see the old file or the new one, and the new one survives a
 * loss of power. One writer of a process at a time. Errors: those of the disk.
 */
export async function replaceJson(path: string, value: unknown): Promise<void> {
  const waiting = `${path}.${process.pid}`;
  await writeFile(waiting, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
  await rename(waiting, path);
  await syncFolder(dirname(path));
}
