import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { type ErrorDetails, PrescoreError } from '../../base/errors/prescore-error.ts';

/** The error for a text file that cannot be read. `uri` is its place in messages. Errors: none. */
export function textFault(
  code: ErrorCode,
  uri: string,
  what: string,
  more: Omit<ErrorDetails, 'what' | 'where'> = {},
): PrescoreError {
  return new PrescoreError(code, { what, where: uri, ...more });
}

/** The last part of a URI, for the command lines of advice. */
export function fileName(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}

/** A name as messages show it: quoted, and cut when it is long. */
export function quoteShort(name: string): string {
  const points = Array.from(name.slice(0, 160));
  return points.length <= 64 && name.length <= 160 ? JSON.stringify(name) : `"${points.slice(0, 63).join('')}…"`;
}
