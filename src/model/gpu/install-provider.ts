import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestIfThere } from '../../base/disk/file-digest.ts';
import { syncFolder } from '../../base/disk/synced-files.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { OrtPlace } from './ort-place.ts';
import {
  freshStage,
  inPlace,
  type ProviderRecord,
  type RecordedFile,
  readProviderRecord,
  writeProviderRecord,
} from './provider-record.ts';
import type { ProviderSource } from './provider-source.ts';
import { unpackFiles } from './unpack-files.ts';

/** What became of each file. */
export interface InstalledFile {
  readonly name: string;
  readonly bytes: number;
  readonly outcome: 'installed' | 'was there';
}

interface Step {
  readonly name: string;
  readonly bytes: number;
  /** What the record says of it; null for a file that was there already and is not ours to remove. */
  readonly recorded: RecordedFile | null;
  readonly isThere: boolean;
  readonly isForeign: boolean;
}

/**
 * Puts the provider libraries beside the binding. They are unpacked and compared in a folder of their own there; then the record
 * says what will be there, and renames put each file in place. Ended at any moment, it leaves each library whole or absent, and a
 * record with which the same command, or remove, goes on. A file of the same name that somebody else put there is left alone, or kept aside with `replace`.
 *
 * Errors: GPU_SOURCE, GPU_PLACE, GPU_FOREIGN.
 */
export async function installProvider(
  place: OrtPlace,
  source: ProviderSource,
  options: { readonly replace: boolean },
): Promise<readonly InstalledFile[]> {
  const { folder } = place;
  const record = readProviderRecord(folder);
  const steps: Step[] = [];
  for (const { path, bytes, sha256 } of source.files) {
    const name = basename(path);
    const present = await inPlace(folder, () => digestIfThere(join(folder, name)));
    const ours = record?.files.find((file) => file.name === name) ?? null;
    const isOurs = ours !== null && (present === null || present === ours.sha256 || present === sha256);
    const isForeign = present !== null && !isOurs;
    if (isForeign && present !== sha256 && !options.replace)
      throw new PrescoreError('GPU_FOREIGN', {
        what: 'Another library of this name is there, and prescore did not put it there',
        where: join(folder, name),
        expected: `sha256 ${sha256}`,
        got: `sha256 ${present}`,
      });
    if (isForeign && present === sha256) steps.push({ name, bytes, recorded: null, isThere: true, isForeign });
    else {
      const kept = isForeign ? `${name}.before-prescore` : (ours?.kept ?? null);
      steps.push({ name, bytes, recorded: { name, bytes, sha256, kept }, isThere: present === sha256, isForeign });
    }
  }
  const recorded = steps.flatMap((step) => (step.recorded === null ? [] : [step.recorded]));
  const missing = steps.filter((step) => !step.isThere).map((step) => step.name);
  const wanted = source.files.filter((file) => missing.includes(basename(file.path)));
  const stage = await inPlace(folder, () => freshStage(folder));
  try {
    if (wanted.length > 0) await inPlace(folder, () => unpackFiles(wanted, stage, basename));
    const next: ProviderRecord = { format: 1, version: source.version, from: source.from, files: recorded };
    if (recorded.length > 0) await writeProviderRecord(folder, next);
    await inPlace(folder, async () => {
      for (const name of missing) {
        const step = steps.find((s) => s.name === name);
        if (step?.isForeign === true && step.recorded?.kept != null)
          await rename(join(folder, name), join(folder, step.recorded.kept));
        await rename(join(stage, name), join(folder, name));
      }
      await syncFolder(folder);
    });
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return steps.map(({ name, bytes, isThere }) => ({ name, bytes, outcome: isThere ? 'was there' : 'installed' }));
}

/** What became of each file that the record names. */
export interface RemovedFile {
  readonly name: string;
  readonly outcome: 'removed' | 'restored' | 'was gone' | 'left: changed since';
}

/**
 * Undoes what `installProvider` did in this folder: removes the files that it put there and puts back those that it kept aside. A
 * file that was changed since is left. Null when nothing is recorded.
 *
 * Errors: GPU_PLACE.
 */
export async function removeProvider(folder: string): Promise<readonly RemovedFile[] | null> {
  const record = readProviderRecord(folder);
  if (record === null) return null;
  const removed: RemovedFile[] = [];
  await inPlace(folder, async () => {
    // Sweeps what a killed install left, and makes nothing.
    await freshStage(folder);
    for (const { name, sha256, kept } of record.files) {
      const path = join(folder, name);
      const present = await digestIfThere(path);
      const hasKept = kept !== null && (await digestIfThere(join(folder, kept))) !== null;
      if (present !== null && present !== sha256) {
        removed.push({ name, outcome: 'left: changed since' });
        continue;
      }
      if (hasKept) await rename(join(folder, kept), path);
      else await rm(path, { force: true });
      removed.push({ name, outcome: hasKept ? 'restored' : present === null ? 'was gone' : 'removed' });
    }
    await syncFolder(folder);
  });
  await writeProviderRecord(folder, null);
  return removed;
}
