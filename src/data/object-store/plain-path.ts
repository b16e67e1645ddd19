const LONGEST = 512;

/** Of files and folders that the file store has not put in place yet, or a killed writer has left. */
export const WAITING = '.prescore-';

/** Whether a path that somebody else wrote, with slashes, stays below the folder that it is put under, and is no name of a store's own. Errors: none. */
export function isPlainPath(path: string): boolean {
  return (
    path.length <= LONGEST &&
    path.isWellFormed() &&
    !/[\\\u0000-\u001f\u007f]/.test(path) &&
    path.split('/').every((step) => step !== '' && step !== '.' && step !== '..' && !step.startsWith(WAITING))
  );
}
