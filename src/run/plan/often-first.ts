import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';
import { meaningOf } from './column-types.ts';

/**
 * The order in which files are tried where those that do not fit are left out: most of the files decide what the table is, so that one
 * odd file in front does not take all others with it. Files count together whose used columns mean the same (numbers of any width), and
 * among these those of the same types; of as many, the first ones come first. Gives indices. `used`: the names of the columns that the
 * job uses of a file.
 */
export function oftenFirst(
  files: readonly (FileDescription | null)[],
  used: (columns: readonly ColumnInfo[]) => ReadonlySet<string>,
): number[] {
  const meanings = votes(files, used, meaningOf);
  const types = votes(files, used, (type) => type);
  return files.map((_, i) => i).sort((a, b) => meanings[b]! - meanings[a]! || types[b]! - types[a]! || a - b);
}

/** By file: how many files are like it. */
function votes(
  files: readonly (FileDescription | null)[],
  used: (columns: readonly ColumnInfo[]) => ReadonlySet<string>,
  kindOf: (type: string) => string,
): number[] {
  // By identity first: most files share the array of their columns.
  const known = new Map<readonly ColumnInfo[], string>();
  const counts = new Map<string, number>();
  const keys = files.map((file) => {
    if (file === null) return '';
    const key = known.get(file.columns) ?? keyOf(file.columns, used(file.columns), kindOf);
    known.set(file.columns, key);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return key;
  });
  return keys.map((key) => counts.get(key) ?? 0);
}

function keyOf(columns: readonly ColumnInfo[], used: ReadonlySet<string>, kindOf: (type: string) => string): string {
  const own = columns.filter((c) => used.has(c.name) && c.onlyNulls !== 'values');
  return JSON.stringify(own.map((c) => [c.name, kindOf(c.type)]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}
