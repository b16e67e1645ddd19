import { isPlainPath } from '../../data/object-store/plain-path.ts';
import { refused } from './refusals.ts';

const MOST_SHOWN = 512;

/**
 * A path below a folder of somebody else, with slashes: what a server lists or a description names is not trusted to stay there.
 *
 * Errors: IMPORT_REFUSED.
 */
export function plainPath(path: string, where: string): string {
  if (isPlainPath(path) && !/^[A-Za-z]:/.test(path)) return path;
  throw refused(
    'a file of the model has a name that is not below its folder',
    where,
    'Do not import from there: no tool writes such names by itself.',
    JSON.stringify(path.slice(0, MOST_SHOWN)),
  );
}
