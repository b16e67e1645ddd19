import { refused } from './refusals.ts';

const LONGEST = 512;

/**
 * A path below a folder of somebody else, with slashes: what a server lists or a description names is not trusted to stay there.
 *
 * Errors: IMPORT_REFUSED.
 */
export function plainPath(path: string, where: string): string {
  const isPlain =
    path.length <= LONGEST &&
    path.isWellFormed() &&
    !/[\\\u0000-\u001f\u007f]|^[A-Za-z]:/.test(path) &&
    path.split('/').every((step) => step !== '' && step !== '.' && step !== '..' && !step.startsWith('.prescore-'));
  if (isPlain) return path;
  throw refused(
    'a file of the model has a name that is not below its folder',
    where,
    'Do not import from there: no tool writes such names by itself.',
    JSON.stringify(path.slice(0, LONGEST)),
  );
}
