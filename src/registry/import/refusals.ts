import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A model of another tool that is not taken as it is. `fix`: the line to run. */
export function refused(what: string, where: string, fix?: string, got?: string): PrescoreError {
  return new PrescoreError('IMPORT_REFUSED', {
    what,
    where,
    ...(fix === undefined ? {} : { fix }),
    ...(got === undefined ? {} : { got }),
  });
}

/** A server that does not answer, or not as it should. `fix` replaces the advice of the table. */
export function unavailable(what: string, where: string, cause?: unknown, fix?: string): PrescoreError {
  return new PrescoreError('IMPORT_UNAVAILABLE', {
    what,
    where,
    ...(fix === undefined ? {} : { fix }),
    ...(cause === undefined ? {} : { cause }),
  });
}
