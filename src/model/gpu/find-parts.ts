import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** A file of a folder, whole or in parts: paths in the order in which they are joined. */
export interface FoundFile {
  readonly name: string;
  readonly paths: readonly string[];
}

/** `X.whl.000`, `X.whl.part-aa`, `X.whl.part3`: what `split` and its like make of `X.whl`. */
const PART = /^(?<name>.+\.(?:whl|so))\.(?:part[-_.]?)?(?<mark>\d{1,4}|[a-z]{2,3})$/;

/**
 * The files of a folder whose names pass `isWanted`, sorted by name; those that are cut into parts under the name that they had.
 * A file that is there whole is taken whole. Reads names only.
 *
 * Errors: GPU_SOURCE when the folder cannot be read or a part in the middle is missing (one missing at the end shows in the digest).
 */
export function findFiles(folder: string, isWanted: (name: string) => boolean): readonly FoundFile[] {
  const names = readNames(folder);
  const found = new Map<string, FoundFile>();
  const parts = new Map<string, { readonly file: string; readonly mark: string }[]>();
  for (const name of names) {
    if (isWanted(name)) found.set(name, { name, paths: [join(folder, name)] });
    const groups = PART.exec(name)?.groups;
    const whole = groups?.['name'] ?? '';
    if (whole === '' || !isWanted(whole)) continue;
    parts.set(whole, [...(parts.get(whole) ?? []), { file: name, mark: groups?.['mark'] ?? '' }]);
  }
  for (const [name, list] of parts)
    if (!found.has(name))
      found.set(name, { name, paths: inOrder(folder, name, list).map((file) => join(folder, file)) });
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function inOrder(
  folder: string,
  name: string,
  parts: readonly { readonly file: string; readonly mark: string }[],
): readonly string[] {
  const ordered = parts.map(({ file, mark }) => ({ file, place: placeOf(mark) })).sort((a, b) => a.place - b.place);
  const first = ordered[0]?.place ?? 0;
  for (const [i, part] of ordered.entries())
    if (part.place !== first + i || first > 1)
      throw new PrescoreError('GPU_SOURCE', {
        what: `A part of ${name} is missing, or there twice`,
        where: join(folder, part.file),
        expected: `part ${first > 1 ? 0 : first + i} (counted from ${first > 1 ? 0 : first})`,
        got: `part ${part.place}`,
        fix: 'Copy all parts into the folder, and only one set of them.',
      });
  return ordered.map((part) => part.file);
}

// Digits count as they are; letters as split counts them: aa, ab, …, az, ba.
function placeOf(mark: string): number {
  if (/^\d/.test(mark)) return Number(mark);
  return [...mark].reduce((place, letter) => place * 26 + (letter.charCodeAt(0) - 97), 0);
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new PrescoreError('GPU_SOURCE', { what: 'The folder cannot be read', where: folder, cause });
  }
}
