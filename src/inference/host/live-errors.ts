import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** LIVE_DEADLINE. */
export function tooLate(): PrescoreError {
  return new PrescoreError('LIVE_DEADLINE', { what: 'the request was not scored before its deadline' });
}

/** LIVE_CANCELLED. */
export function cancelled(): PrescoreError {
  return new PrescoreError('LIVE_CANCELLED', { what: 'the caller has gone' });
}

/** LIVE_UNAVAILABLE of a model. */
export function unavailable(what: string, where: string): PrescoreError {
  return new PrescoreError('LIVE_UNAVAILABLE', { what, where });
}
