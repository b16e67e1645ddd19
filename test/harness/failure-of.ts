import { isPrescoreError, type PrescoreError } from '../../src/base/errors/prescore-error.ts';

/** The error with which work fails; anything but a PrescoreError is passed on. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<PrescoreError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (isPrescoreError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
