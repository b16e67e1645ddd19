import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';

/** The code that work is refused with; null when it is not. */
export function refusalOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (isPrescoreError(error)) return error.code;
    throw error;
  }
}
