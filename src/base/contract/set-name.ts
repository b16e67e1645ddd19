import { PrescoreError } from '../errors/prescore-error.ts';

/** Names of sets become folders and parts of keys, so nothing in them may mean something there. */
const SET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function isSetName(text: string): boolean {
  return SET_NAME.test(text);
}

/** Errors: PREDICTIONS_CONFIG for a text that cannot be the name of a prediction set. */
export function checkSetName(text: string): void {
  if (SET_NAME.test(text)) return;
  throw new PrescoreError('PREDICTIONS_CONFIG', {
    what: 'this cannot be the name of a prediction set',
    expected: 'up to 128 letters, digits, dots, dashes and underscores, a letter or digit first',
    got: text,
    fix: 'Give the set another name.',
  });
}
