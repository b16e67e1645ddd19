import { delimiter, isAbsolute } from 'node:path';
import { isFolder } from './quiet-reads.ts';
import { readRuntimeRecord } from './runtime-record.ts';

/**
 * Folders with CUDA libraries to put in front of LD_LIBRARY_PATH of a scorer child, in the order in which they are searched:
 * those of `PRESCORE_CUDA_PATH` (absolute folders, joined as in PATH), then those that `prescore gpu install` recorded
 * (`--runtime`, `--runtime-from`). Folders that are gone are left out; empty when nothing is installed. Reads one small file and
 * never fails: a record that cannot be read counts as none. The loader reads the variable
 * when a process starts, so it belongs into the environment that the child is forked with.
 */
export function gpuLoaderPath(env: NodeJS.ProcessEnv): readonly string[] {
  const asked = (env['PRESCORE_CUDA_PATH'] ?? '').split(delimiter);
  const recorded = readRuntimeRecord(env)?.folders ?? [];
  return [...new Set([...asked, ...recorded].filter((folder) => isAbsolute(folder) && isFolder(folder)))];
}

/** The whole LD_LIBRARY_PATH of a scorer child: those folders, then what the variable says in `env`; empty when neither has any. */
export function scorerLibraryPath(env: NodeJS.ProcessEnv): string {
  return [...gpuLoaderPath(env), env['LD_LIBRARY_PATH'] ?? ''].filter((folder) => folder !== '').join(delimiter);
}
