import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import type { ParseOptions } from '../../job/parse/parse-file.ts';

/** The text of a file that users write, and how to parse it. `says` is such as `job file`; `-` is stdin. Errors: SPEC_NOT_FOUND. */
export function readSpec(path: string, says: string): readonly [text: string, options: ParseOptions] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code;
    const what = errno === 'EISDIR' ? `this is a folder, not a ${says}` : `${says} cannot be read (${errno})`;
    throw new PrescoreError('SPEC_NOT_FOUND', { what, where: path, cause: error });
  }
  return [text, { path, baseUri: path === '-' ? process.cwd() : dirname(resolve(path)), resolveUri }];
}
