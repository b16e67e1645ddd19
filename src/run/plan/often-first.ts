import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';

/**
 * The order in which files are tried where those that do not fit are left out: most of the files decide what the table is, so that one
 * odd file in front does not take all others with it. Files whose used columns have the same types count together; of as many, the
 * first ones come first. Gives indices. `used`: the names of the columns that the job uses of a file.
 */
export function oftenFirst(
  files: readonly (FileDescription | null)[],
  used: (columns: readonly ColumnInfo[]) => ReadonlySet<string>,
): number[] {
  // By identity first: most files share the array of their columns.
  const known = new Map<readonly ColumnInfo[], string>();
  const counts = new Map<string, number>();
  const keys = files.map((file) => {
    if (file === null) return '';
    const key = known.get(file.columns) ?? typesOf(file.columns, used(file.columns));
    known.set(file.columns, key);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return key;
  });
  const votes = keys.map((key) => counts.get(key) ?? 0);
  return files.map((_, i) => i).sort((a, b) => votes[b]! - votes[a]! || a - b);
}

function typesOf(columns: readonly ColumnInfo[], used: ReadonlySet<string>): string {
  const own = columns.filter((c) => used.has(c.name) && c.onlyNulls !== 'values');
  return JSON.stringify(own.map(({ name, type }) => [name, type]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}
