import { readdirSync, readFileSync, statSync } from 'node:fs';

/*
 * Reads for looking around: what is not there, or may not be read, is as good as empty.
 */

/** Names in a folder, sorted. */
export function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The text of a file. */
export function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** False as well when it cannot be told. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
