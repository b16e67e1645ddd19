import { isPrescoreError, type PrescoreError } from '../../base/errors/prescore-error.ts';
import { withTrial } from './trial-scorer.ts';

/** `u = lower case of t[N]` by StringNormalizer without a locale of its own, which then is en_US.UTF-8. */
const LOCALE_MODEL =
  'CAg6ewpSCgF0EgF1IhBTdHJpbmdOb3JtYWxpemVyKh4KEmNhc2VfY2hhbmdlX2FjdGlvbiIFTE9XRVKgAQMqGAoRaXNfY2FzZV9zZW5zaXRpdmUYAKABAhIB' +
  'dFoQCgF0EgsKCQgIEgUKAxIBTmIQCgF1EgsKCQgIEgUKAxIBTkIECgAQCg==';

/**
 * Whether models that normalize texts can be loaded here: MODEL_LOCALE when not, which says what to install; else null.
 *
 * Errors: those of starting a scorer.
 */
export async function tryLocale(): Promise<PrescoreError | null> {
  try {
    await withTrial('cpu', () => null, LOCALE_MODEL);
    return null;
  } catch (error) {
    if (isPrescoreError(error) && error.code === 'MODEL_LOCALE') return error;
    throw error;
  }
}
