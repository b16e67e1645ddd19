import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { parseDuration } from '../../job/values/quantities.ts';

/** Milliseconds of a flag's text, such as `25s`. Errors: USAGE, naming the flag. */
export function durationFlag(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new PrescoreError('USAGE', {
    what: `${flag} is not a duration`,
    expected: 'such as 25s, 12h or 7d',
    got: text,
  });
}
