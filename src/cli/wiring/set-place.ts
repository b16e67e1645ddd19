import { resolve } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { lmdbFolder, withoutLogin } from '../../job/values/store-url.ts';
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
 * Errors: USAGE when nothing names a store, or the set is an address; SPEC_INVALID for a job without predictions; those of reading
 * the job file. `needs`: what the command wants, for the message.
 */
export function setPlace(flags: PlaceFlags, set: string | undefined, needs = NEEDS): SetPlace {
  if (set !== undefined && isAddress(set)) {
    const what = 'this is the address of a store, where the name of a set stands';
    throw new PrescoreError('USAGE', { what, got: withoutLogin(set), expected: '--store URL beside the name' });
  }
  const own = flags.job === undefined ? null : predictionsOf(flags.job);
  const store = flags.store === undefined ? own?.store : storeUrl(flags.store);
  if (store === undefined) throw new PrescoreError('USAGE', { what: 'no store is named', expected: needs });
  return { store, set: set ?? own?.set ?? null };
}

/** `setPlace` for what needs a set. Errors: also USAGE when nothing names one; `how` says how to. */
export function namedSet(flags: PlaceFlags, set: string | undefined, how: string): { store: string; set: string } {
  const place = setPlace(flags, set, `--job JOB, or --store URL and ${how}`);
  if (place.set !== null) return { store: place.store, set: place.set };
  const fix = `Sets that are there: prescore sets list ${withoutLogin(place.store)}.`;
  throw new PrescoreError('USAGE', { what: 'no set is named', expected: `--job JOB, or ${how}`, fix });
}

/** The store that `sets list PLACE` means: PLACE is an address or a job file, and stands for --store or --job. Errors: as `setPlace`. */
export function listedStore(flags: PlaceFlags, place: string | undefined): string {
  if (place === undefined) return setPlace(flags, undefined, 'an address, a job file, --job JOB or --store URL').store;
  if (flags.job !== undefined || flags.store !== undefined) {
    const what = 'the store is named twice';
    throw new PrescoreError('USAGE', { what, expected: 'an address or a job file, or --store, or --job' });
  }
  return setPlace(isAddress(place) ? { store: place } : { job: place }, undefined).store;
}

const NEEDS = '--job JOB, or --store URL';

// Names of sets and of job files hold no such beginning.
function isAddress(text: string): boolean {
  return lmdbFolder(text) !== null || /^rediss?(\+[a-z]+)?:\/\//i.test(text);
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
