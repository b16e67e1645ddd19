import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceJson } from '../../base/disk/synced-files.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A file that install put beside the binding. */
export interface RecordedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Where a file of the same name that was there before waits; null when there was none. */
  readonly kept: string | null;
}

/** What install did in the folder of the binding, so that remove undoes exactly that. */
export interface ProviderRecord {
  readonly format: 1;
  /** Version of the provider, which is that of ONNX Runtime. */
  readonly version: string;
  readonly from: string;
  readonly files: readonly RecordedFile[];
}

const RECORD_NAME = 'prescore-gpu.json';
const STAGE = /^\.prescore-gpu-(\d+)-/;

/** The record of a folder; null when there is none. Errors: GPU_PLACE when it cannot be understood. */
export function readProviderRecord(folder: string): ProviderRecord | null {
  const path = join(folder, RECORD_NAME);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw placeError(error, path);
  }
  try {
    const record = JSON.parse(text) as ProviderRecord;
    if (record.format === 1 && Array.isArray(record.files) && record.files.every(isPlain)) return record;
  } catch {
    // Told below, as every other record that makes no sense.
  }
  throw new PrescoreError('GPU_PLACE', {
    what: 'The record of the installation cannot be read',
    where: path,
    fix: 'Remove it and the provider libraries beside it by hand, then install again.',
  });
}

// Names only: a record must not lead remove out of its folder.
function isPlain(file: RecordedFile): boolean {
  const names = [file.name, ...(file.kept === null ? [] : [file.kept])];
  return names.every((name) => /^[\w.-]+$/.test(name) && name !== '.' && name !== '..');
}

/** Puts the record into the folder, or takes it away (null), at one stroke. Errors: GPU_PLACE. */
export async function writeProviderRecord(folder: string, record: ProviderRecord | null): Promise<void> {
  await inPlace(folder, async () => {
    const path = join(folder, RECORD_NAME);
    await (record === null ? rm(path, { force: true }) : replaceJson(path, record));
  });
}

/** Does work in the folder of the binding; a failure of the file system becomes GPU_PLACE. */
export async function inPlace<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw placeError(error, folder);
  }
}

/** The name of a staging folder of this process, and the removal of those whose process is gone. */
export async function freshStage(folder: string): Promise<string> {
  for (const name of await readdir(folder)) {
    const pid = Number(STAGE.exec(name)?.[1] ?? 0);
    if (pid > 0 && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
  return join(folder, `.prescore-gpu-${process.pid}-${Math.random().toString(36).slice(2, 8)}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function placeError(error: unknown, where: string): unknown {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new PrescoreError('GPU_PLACE', {
      what: 'The disk is full',
      where,
      fix: 'Free space and start again.',
      cause: error,
    });
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'].includes(code)) return error;
  const what = code === 'ENOENT' || code === 'ENOTDIR' ? 'The folder is not there' : 'The folder cannot be written';
  return new PrescoreError('GPU_PLACE', { what, where, cause: error });
}
