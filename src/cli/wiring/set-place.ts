import { resolve } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { lmdbFolder } from '../../job/values/store-url.ts';
import { loadJob } from '../load/load-job.ts';

/** How a command is told of a set. */
export interface PlaceFlags {
  /** A job file: its store and its set. */
  readonly job?: string;
  readonly store?: string;
}

export interface SetPlace {
  readonly store: string;
  /** Null when neither the command nor a job names one. */
  readonly set: string | null;
}

/**
 * Where a set is: as the flags say, else as the job file does. Paths on the command line are relative to the caller's folder.
 *
 * Errors: USAGE when nothing names a store; SPEC_INVALID for a job without predictions; those of reading the job file.
 */
export function setPlace(flags: PlaceFlags, set: string | undefined): SetPlace {
  const own = flags.job === undefined ? null : predictionsOf(flags.job);
  const store = flags.store === undefined ? own?.store : storeUrl(flags.store);
  if (store === undefined)
    throw new PrescoreError('USAGE', { what: 'no store is named', expected: '--job JOB, or --store URL' });
  return { store, set: set ?? own?.set ?? null };
}

/** `setPlace` for what needs a set. Errors: also USAGE when nothing names one; `how` says how to. */
export function namedSet(flags: PlaceFlags, set: string | undefined, how: string): { store: string; set: string } {
  const place = setPlace(flags, set);
  if (place.set !== null) return { store: place.store, set: place.set };
  throw new PrescoreError('USAGE', { what: 'no set is named', expected: `--job JOB, or ${how}` });
}

function predictionsOf(path: string): { readonly store: string; readonly set: string } {
  const { predictions } = loadJob(path);
  if (predictions !== null) return predictions;
  throw new PrescoreError('SPEC_INVALID', {
    what: 'the job has no predictions',
    where: path,
    expected: 'predictions: { store, key }',
  });
}

function storeUrl(text: string): string {
  const folder = lmdbFolder(text);
  return folder === null || folder === '' || folder.startsWith('//') ? text : `lmdb:${resolve(folder)}`;
}
