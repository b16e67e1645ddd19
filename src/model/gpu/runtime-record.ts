import { join } from 'node:path';
import { gpuHome } from './gpu-home.ts';
import { text } from './quiet-reads.ts';

/** The name of the record, below `gpuHome`. */
export const RUNTIME_RECORD = 'runtime.json';

/** What is known of the runtime libraries of this user. */
export interface RuntimeRecord {
  readonly format: 1;
  readonly cuda: number;
  /** Folders for the loader path of scorer children, absolute, in order. */
  readonly folders: readonly string[];
  /** Name of the folder below `gpuHome` that prescore unpacked, and may remove; null when the folders are somebody else's. */
  readonly unpacked: string | null;
  /** Packages and versions that were unpacked, such as `nvidia-cublas 13.10.0.20`. */
  readonly packages: readonly string[];
}

/** The record, or null when there is none that can be read. One small file; never fails. */
export function readRuntimeRecord(env: NodeJS.ProcessEnv): RuntimeRecord | null {
  const home = gpuHome(env);
  if (home === null) return null;
  try {
    const record = JSON.parse(text(join(home, RUNTIME_RECORD))) as RuntimeRecord;
    if (record.format !== 1 || !Array.isArray(record.folders)) return null;
    return { ...record, folders: record.folders.filter((folder) => typeof folder === 'string') };
  } catch {
    return null;
  }
}
