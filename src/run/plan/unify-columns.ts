import type { ColumnInfo, FileDescription } from '../../base/contract/table.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { elementOf, meaningOf } from './column-types.ts';

/** How the types that a column has in files go together; null when they do not. */
type Join = (types: readonly string[]) => string | null;

/** What files say of a column: type -> the first file that has it. */
interface Known {
  readonly types: ReadonlyMap<string, string>;
  /** Of files whose lists have no elements, which fit lists of anything. */
  readonly bare: ReadonlyMap<string, string>;
  /** The type in the first file, where it may hold nothing but nulls. */
  readonly first: string;
}

/**
 * Checks the types of these columns of a text file, where they are guesses: the files of the table agree, and there is one.
 *
 * Errors: INPUT_SCHEMA with both files, INPUT_UNSUPPORTED.
 */
export function checkGuesses(file: FileDescription, wanted: readonly string[]): void {
  const asked = new Set(wanted);
  for (const column of file.columns) {
    if (column.text === undefined || !asked.has(column.name)) continue;
    if (column.conflict !== undefined) throw textConflict(column, column.conflict, file);
    if (column.unsupported !== undefined) throw unreadable(column.name, column.unsupported, file);
  }
}

/**
 * The types of some columns, joined over all files in any order: of those that are copied to the output by `widen`, of features by
 * `joinFeature`. Where a column holds only nulls its type says nothing. Columns that the job does not use may differ as they like.
 */
export class JoinedTypes {
  private readonly known = new Map<string, Known>();
  private readonly join: Join;
  private readonly isLossyAllowed: boolean;
  private first: FileDescription | null = null;

  constructor(join: Join, isLossyAllowed: boolean) {
    this.join = join;
    this.isLossyAllowed = isLossyAllowed;
  }

  /** Takes these columns of a file in, all or none; none when `alsoAdd` throws. Errors: INPUT_SCHEMA (which names both files), INPUT_UNSUPPORTED,
   * INPUT_LOSSY_TYPE unless it is allowed. */
  add(file: FileDescription, names: readonly string[], alsoAdd: () => void = () => undefined): void {
    const columns = new Map(file.columns.map((c) => [c.name, c]));
    const joined = names.map((name): [string, Known] => {
      const column = readable(name, columns, file, this.first, this.isLossyAllowed);
      return [name, this.joined(column, file, this.known.get(name))];
    });
    alsoAdd();
    for (const [name, known] of joined) this.known.set(name, known);
    this.first ??= file;
  }

  /** The joined type; null while every file that was added holds nothing but nulls. */
  typeOf(name: string): string | null {
    const known = this.known.get(name);
    return known === undefined ? null : this.typeOfKnown(known);
  }

  /** The joined type, or what the files say of a column of nulls. */
  get all(): ReadonlyMap<string, string> {
    return new Map([...this.known].map(([name, known]) => [name, this.typeOfKnown(known) ?? known.first]));
  }

  private typeOfKnown({ types, bare }: Known): string | null {
    return types.size > 0 ? this.join([...types.keys()]) : ([...bare.keys()].sort()[0] ?? null);
  }

  private joined({ name, type, onlyNulls }: ColumnInfo, { uri }: FileDescription, known: Known | undefined): Known {
    const { types, bare, first } = known ?? { types: NONE, bare: NONE, first: type };
    if (onlyNulls === 'values') return { types, bare, first };
    const isBare = onlyNulls === 'elements';
    const others = isBare ? [...types] : [...types, ...bare];
    const odd = others.find(([other]) => (elementOf(other) === null) !== (elementOf(type) === null));
    if (odd !== undefined) throw conflict(name, odd, [type, uri]);
    if (isBare) return { types, bare: bare.has(type) ? bare : new Map(bare).set(type, uri), first };
    if (types.has(type)) return { types, bare, first };
    const more = new Map(types).set(type, uri);
    if (this.join([...more.keys()]) === null) {
      const other = [...types].find(([each]) => this.join([each, type]) === null) ?? [...types][0]!;
      throw conflict(name, other, [type, uri]);
    }
    return { types: more, bare, first };
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

/** A type of a column, and a file that has it. */
type Seen = readonly [type: string, uri: string];

function conflict(name: string, [known, origin]: Seen, [type, uri]: Seen): PrescoreError {
  return new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} ${difference(known, type)}`,
    where: `${origin} and ${uri}`,
    expected: known,
    got: type,
    fix: 'Write the column with one type in all files.',
    detail: `  ${origin}: ${name} ${known}\n  ${uri}: ${name} ${type}`,
  });
}

function difference(known: string, type: string): string {
  const [one, other] = [known, type].map((each) => elementOf(each) !== null);
  if (one !== other) return `has types that do not fit together: single values stand where the other has lists`;
  const [before, here] = [meaningOf(known), meaningOf(type)];
  return before === here ? 'has types that do not fit together' : `is ${before} in one file and ${here} in another`;
}

function readable(
  name: string,
  columns: ReadonlyMap<string, ColumnInfo>,
  file: FileDescription,
  other: FileDescription | null,
  isLossyAllowed: boolean,
): ColumnInfo {
  const column = columns.get(name);
  if (column === undefined) throw missingColumn(name, file, other);
  const what = `column ${JSON.stringify(name)}`;
  if (column.unsupported !== undefined) {
    throw unreadable(name, column.unsupported, file);
  }
  if (column.lossy !== undefined && !isLossyAllowed) {
    throw new PrescoreError('INPUT_LOSSY_TYPE', {
      what: `${what}: ${column.lossy}`,
      where: file.uri,
      got: column.type,
      fix: 'Cast it where the file is written, or set input.lossy: true.',
    });
  }
  return column;
}

/**
 * Dates feed days and timestamps microseconds: a column of either whose type is a guess could change its unit from one run to the
 * next, as when all times of a day are midnight and written as dates. `names`: those that feed the model, by an expression too.
 * Errors: INPUT_SCHEMA.
 */
export function checkGuessedTimes(file: FileDescription, names: readonly string[]): void {
  const fed = new Set(names);
  const guess = file.columns.find(
    ({ name, type, text }) => fed.has(name) && text?.isDeclared === false && isTime(type),
  );
  if (guess === undefined) return;
  const { name, type } = guess;
  throw new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} feeds the model, and only looks like ${type === 'DATE' ? 'dates' : 'times'}`,
    where: file.uri,
    got: type,
    fix: `Say what it is in input.schema, ${JSON.stringify(name)}: date (fed as days), timestamp or timestamptz (as microseconds).`,
  });
}

function isTime(type: string): boolean {
  return type === 'DATE' || type.startsWith('TIMESTAMP');
}

function unreadable(name: string, why: string, { uri, text }: FileDescription): PrescoreError {
  const fix = text === undefined ? {} : { fix: 'Text files: prescore help text-files.' };
  return new PrescoreError('INPUT_UNSUPPORTED', {
    what: `column ${JSON.stringify(name)} cannot be read: ${why}`,
    where: uri,
    ...fix,
  });
}

function textConflict(
  { name, type }: ColumnInfo,
  other: { readonly uri: string; readonly type: string },
  file: FileDescription,
): PrescoreError {
  return new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} has values of other types in the first lines of two files`,
    where: `${other.uri} and ${file.uri}`,
    expected: other.type,
    got: type,
    fix: `Say its type in input.schema, such as ${JSON.stringify(name)}: string.`,
    detail: `  ${other.uri}: ${name} ${other.type}\n  ${file.uri}: ${name} ${type}`,
  });
}

function missingColumn(name: string, file: FileDescription, other: FileDescription | null): PrescoreError {
  const near = file.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
  const columns = file.columns.map((c) => `  ${c.name}: ${c.type}`).join('\n');
  return new PrescoreError('INPUT_SCHEMA', {
    what: `column ${JSON.stringify(name)} is missing`,
    where: other === null ? file.uri : `${file.uri} (${other.uri} has it)`,
    expected: JSON.stringify(name),
    got:
      near === undefined
        ? `${file.columns.length} other columns`
        : `${JSON.stringify(near.name)} (names are compared exactly)`,
    ...missingFix(file),
    detail: `columns of ${file.uri}\n${columns}`,
  });
}

function missingFix(file: FileDescription): { readonly fix?: string } {
  const fix = missingAdvice(file);
  return fix === null ? {} : { fix };
}

// Names of text files are what the first lines say, which may be no names, or not all of them.
function missingAdvice({ format, text }: FileDescription): string | null {
  if (format === 'jsonl') return 'If it may be missing in every line of a file, say its type in input.schema.';
  if (text?.csv?.hasHeader !== true) return null;
  return 'Compare the names; if the first line has none, give them by input.csv: { names: […] }.';
}

/** What to do where the columns of a text file do not feed the model; null for other files. */
export function textAdvice(file: FileDescription, asked: readonly string[]): string | null {
  if (file.text === undefined) return null;
  const columns = new Map(file.columns.map((c) => [c.name, c]));
  if (asked.some((name) => !columns.has(name))) return missingAdvice(file);
  const mixed = asked
    .map((name) => columns.get(name))
    .find((c) => c?.type === 'VARCHAR' && c.text?.textLine !== undefined);
  if (mixed === undefined) return 'Types of text files come from their first lines: say others in input.schema.';
  const line = `Line ${mixed.text?.textLine} makes a text of ${JSON.stringify(mixed.name)}`;
  return `${line}: with its type in input.schema, such lines are rejected; what stands for null belongs into input.csv.nulls.`;
}
