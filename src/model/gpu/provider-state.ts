import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestIfThere } from '../../base/disk/file-digest.ts';
import { readProviderRecord } from './provider-record.ts';
import { PROVIDER_FILES } from './provider-source.ts';

/** One of the provider libraries, as it lies beside the binding. */
export interface ProviderFile {
  readonly name: string;
  readonly state: 'installed' | 'missing' | 'changed' | 'not by prescore';
  readonly bytes: number | null;
  readonly sha256: string | null;
}

/** The provider beside a binding. */
export interface ProviderState {
  /** Version by the record; null when prescore installed nothing here. */
  readonly version: string | null;
  /** What it was installed from. */
  readonly from: string | null;
  readonly files: readonly ProviderFile[];
}

/** Compares what lies beside the binding with the record of the installation. Errors: GPU_PLACE. */
export async function readProviderState(folder: string): Promise<ProviderState> {
  const record = readProviderRecord(folder);
  const files: ProviderFile[] = [];
  for (const name of PROVIDER_FILES) {
    const path = join(folder, name);
    const sha256 = await digestIfThere(path);
    const bytes = sha256 === null ? null : (await stat(path)).size;
    const known = record?.files.find((file) => file.name === name);
    const state = known === undefined ? 'not by prescore' : known.sha256 === sha256 ? 'installed' : 'changed';
    files.push({ name, bytes, sha256, state: sha256 === null ? 'missing' : state });
  }
  return { version: record?.version ?? null, from: record?.from ?? null, files };
}
