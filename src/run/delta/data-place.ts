/** Where a data file of a log lies. `foreign`: in a store that prescore does not know. */
export type DataPlace =
  | { readonly kind: 'place'; readonly uri: string }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'invalid' };

const INVALID: DataPlace = { kind: 'invalid' };

/**
 * The URI of a path in a log, which is itself a URI: percent-decoded once, and relative to the table's root (a URI with its slash) unless
 * it is absolute, as in a shallow clone. Hadoop's names of S3 mean S3.
 *
 * Errors: none.
 */
export function dataPlace(path: string, root: string): DataPlace {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(\/.*)$/is.exec(path) ?? [];
  const text = decoded(rest ?? path);
  if (text === null || text.includes('\0')) return INVALID;
  switch (scheme?.toLowerCase()) {
    case undefined:
      if (text.startsWith('/')) return root.startsWith('s3://') ? { kind: 'foreign' } : placeOf(text);
      return text.split('/').includes('..') ? INVALID : placeOf(root + text);
    case 'file':
      return /^\/(?!\/)|^\/\/\//.test(text) ? placeOf(text.replace(/^\/\/(?=\/)/, '')) : INVALID;
    case 's3':
    case 's3a':
    case 's3n':
      return text.startsWith('//') ? placeOf(`s3:${text}`) : INVALID;
    default:
      return { kind: 'foreign' };
  }
}

function placeOf(uri: string): DataPlace {
  return { kind: 'place', uri };
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
