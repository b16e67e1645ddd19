import type { VersionPick } from '../../base/contract/live-model.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';

/** LIVE_DEADLINE. */
export function tooLate(): PrescoreError {
  return new PrescoreError('LIVE_DEADLINE', { what: 'the request was not scored before its deadline' });
}

/** LIVE_CANCELLED. */
export function cancelled(): PrescoreError {
  return new PrescoreError('LIVE_CANCELLED', { what: 'the caller has gone' });
}

/**
 * What a request is told that wants a model which cannot be loaded: LIVE_MODEL_BROKEN where it lies in the model, with the reason
 * but without places; LIVE_UNAVAILABLE where it lies in the store, the server's own trouble.
 */
export function loadFailure(error: PrescoreError): PrescoreError {
  if (error.code.startsWith('LIVE_')) return error;
  if (!error.code.startsWith('MODEL_'))
    return new PrescoreError('LIVE_UNAVAILABLE', {
      what: `the model cannot be loaded now: ${error.message}`,
      cause: error,
    });
  const { what, expected, got } = error.details;
  return new PrescoreError('LIVE_MODEL_BROKEN', {
    what: `the model cannot be loaded: ${error.code}: ${what}`,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    cause: error,
  });
}

/** Work whose errors are those of `loadFailure`. */
export async function forRequest<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw loadFailure(toPrescoreError(cause));
  }
}

/** Whether a load failed for what the model is. */
export function isOfModel(error: unknown): error is PrescoreError {
  return isPrescoreError(error) && error.code.startsWith('MODEL_');
}

/** LIVE_MODEL_UNKNOWN. */
export function unknownModel(name: string, pick: VersionPick): PrescoreError {
  const asked = typeof pick === 'object' ? (pick === null ? '' : `, label ${pick.label}`) : `, version ${pick}`;
  return new PrescoreError('LIVE_MODEL_UNKNOWN', { what: 'there is no such model', got: `${name}${asked}` });
}

/** The version that is asked for; a model folder has no labels. Errors: LIVE_MODEL_UNKNOWN. */
export function requireVersion(name: string, pick: VersionPick): string | null {
  if (pick === null || typeof pick === 'string') return pick;
  throw unknownModel(name, pick);
}

/** LIVE_UNAVAILABLE of a model. */
export function unavailable(what: string, where: string): PrescoreError {
  return new PrescoreError('LIVE_UNAVAILABLE', { what, where });
}
