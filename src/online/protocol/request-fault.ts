import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** The fault of a request that does not fit the model or the protocol. */
export function requestFault(what: string, where: string, expected?: string, got?: string): PrescoreError {
  return new PrescoreError('LIVE_REQUEST', {
    what,
    where,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  });
}

/** A request that is well formed and above a limit of the server: 413 over HTTP. */
export function limitFault(what: string, where: string, expected: string, got: string): PrescoreError {
  return new PrescoreError('HTTP_TOO_LARGE', { what, where, expected, got });
}

/** Names for a message, the first ten. */
export function listNames(names: Iterable<string>): string {
  const all = [...names];
  return all.length <= 10 ? all.join(', ') : `${all.slice(0, 10).join(', ')} and ${all.length - 10} more`;
}
