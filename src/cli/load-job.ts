import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Job } from '../contract/job.ts';
import { PrescoreError } from '../errors/prescore-error.ts';
import { resolveUri } from '../object-store/uri.ts';
import { parseJob } from '../spec/parse-job.ts';

/** Reads and checks a job file. Errors: SPEC_NOT_FOUND and those of `parseJob`. */
export function loadJob(path: string): Job {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code;
    const what = errno === 'EISDIR' ? 'this is a folder, not a job file' : `job file cannot be read (${errno})`;
    throw new PrescoreError('SPEC_NOT_FOUND', { what, where: path, cause: error });
  }
  const folder = path === '-' ? process.cwd() : dirname(resolve(path));
  return parseJob(text, { path, baseUri: folder, resolveUri });
}
