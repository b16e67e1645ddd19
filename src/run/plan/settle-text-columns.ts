import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';

/** A type, how many files have it, and the first of them. */
interface Vote {
  readonly type: string;
  readonly uri: string;
  files: number;
  hasLongIntegers: boolean;
}

/**
 * Gives the columns of text files the types that hold for the whole table: what the job declares, else what the first lines of
 * the files give. Integers beside fractions are doubles. Where files do not agree in any other way, the type of most of them
 * holds and the others' column is marked with the conflict: nothing becomes a text without a word. A column without a value takes
 * the type of the other files. Files of other formats pass through. Pure.
 */
export function settleTextColumns(
  files: readonly FileDescription[],
  schema: Readonly<Record<string, string>> | null,
): FileDescription[] {
  const declared = new Map(Object.entries(schema ?? {}));
  const types = tableTypes(files.filter((file) => file.text !== undefined));
  return files.map((file) => (file.text === undefined ? file : settled(file, declared, types)));
}

function settled(
  file: FileDescription,
  declared: ReadonlyMap<string, string>,
  types: ReadonlyMap<string, Vote>,
): FileDescription {
  const columns = file.columns.map((column) => {
    const type = declared.get(column.name);
    return type === undefined ? agreed(column, types.get(column.name)) : declaredColumn(column, type, file.format);
  });
  if (file.format === 'csv') return { ...file, columns };
  // A name that is in none of the first lines may come later, and is null until then.
  const known = new Set(columns.map((c) => c.name));
  const missing = [...declared].filter(([name]) => !known.has(name));
  const text = { field: null, isDeclared: true };
  const added = missing.map(([name, type]) => declaredColumn({ name, type, nullable: true, text }, type, file.format));
  return { ...file, columns: [...columns, ...added] };
}

// Lists of JSONL hold numbers and flags.
const LIST = /^(?!VARCHAR|BLOB|DATE|TIME).*\[\]$/;

function declaredColumn({ name, text }: ColumnInfo, type: string, format: FileDescription['format']): ColumnInfo {
  const isReadable = type.endsWith('[]') ? format === 'jsonl' && LIST.test(type) : type !== 'BLOB';
  const unsupported = isReadable ? {} : { unsupported: `text files have no ${type}; write Parquet or Arrow` };
  return { name, type, nullable: true, text: { field: text?.field ?? null, isDeclared: true }, ...unsupported };
}

function agreed(column: ColumnInfo, vote: Vote | undefined): ColumnInfo {
  if (vote === undefined || column.text === undefined) return column;
  if (column.text.isEmpty === true) {
    const { unsupported: _, ...rest } = column;
    return { ...rest, type: vote.type };
  }
  if (column.type === vote.type) return column;
  if (column.type === 'BIGINT' && vote.type === 'DOUBLE' && !vote.hasLongIntegers) return { ...column, type: 'DOUBLE' };
  return { ...column, conflict: { uri: vote.uri, type: vote.type } };
}

function tableTypes(files: readonly FileDescription[]): Map<string, Vote> {
  const all = new Map<string, Map<string, Vote>>();
  for (const { uri, columns } of files) {
    for (const { name, type, text } of columns) {
      if (text === undefined || text.isEmpty === true) continue;
      const votes = all.get(name) ?? new Map<string, Vote>();
      all.set(name, votes);
      const vote = votes.get(type) ?? { type, uri, files: 0, hasLongIntegers: false };
      vote.files++;
      vote.hasLongIntegers ||= text.hasLongIntegers === true;
      votes.set(type, vote);
    }
  }
  return new Map([...all].map(([name, votes]) => [name, winner(votes)]));
}

/** Integers count for the doubles beside them. */
function winner(votes: Map<string, Vote>): Vote {
  const integers = votes.get('BIGINT');
  const doubles = votes.get('DOUBLE');
  if (integers !== undefined && doubles !== undefined) {
    doubles.hasLongIntegers = integers.hasLongIntegers;
    if (!integers.hasLongIntegers) {
      doubles.files += integers.files;
      votes.delete('BIGINT');
    }
  }
  return [...votes.values()].reduce((best, vote) => (vote.files > best.files ? vote : best));
}
