import { readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { gpuHome, RUNTIME_RECORD } from './gpu-home.ts';

/**
 * Folders with CUDA libraries to put in front of LD_LIBRARY_PATH of a scorer child, in the order in which they are searched:
 * those of `PRESCORE_CUDA_PATH` (absolute folders, joined as in PATH), then those that `prescore gpu install` recorded
 * (`--runtime`, `--runtime-from`). Folders that are gone are left out; empty when nothing is installed. Reads one small file and
 * never fails: a record that cannot be read counts as none. The loader reads the variable
 * when a process starts, so it belongs into the environment that the child is forked with.
 */
export function gpuLoaderPath(env: NodeJS.ProcessEnv): readonly string[] {
  const asked = (env['PRESCORE_CUDA_PATH'] ?? '').split(delimiter);
  const folders = [...asked, ...recordedFolders(env)].filter((folder) => isAbsolute(folder) && isFolder(folder));
  return [...new Set(folders)];
}

/** The folders that the record of runtime libraries names, whether they are there or not; empty without a readable record. */
export function recordedFolders(env: NodeJS.ProcessEnv): readonly string[] {
  const home = gpuHome(env);
  if (home === null) return [];
  try {
    const record: unknown = JSON.parse(readFileSync(join(home, RUNTIME_RECORD), 'utf8'));
    const folders: unknown = typeof record === 'object' && record !== null && 'folders' in record ? record.folders : [];
    return Array.isArray(folders) ? folders.filter((f): f is string => typeof f === 'string') : [];
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
