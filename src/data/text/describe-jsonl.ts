import type { ColumnInfo } from '../../base/contract/table.ts';
import { CLASS, classOf, EMPTY } from './column-guess.ts';
import { type JsonKind, JsonObject, type JsonVisitor } from './json-object.ts';
import { jsonText } from './json-text.ts';
import { walkList } from './list-reader.ts';
import { fileName, textFault } from './text-fault.ts';
import { TEXT_LIMITS } from './text-limits.ts';
import type { TextPiece, TextSample } from './text-sample.ts';

const LF = 0x0a;
const OPEN_LIST = 0x5b;
const FORMS = { decimal: '.', date: null, timestamp: null } as const;

/** What the first lines say of one name. */
interface NameGuess {
  readonly kinds: Set<JsonKind>;
  /** Of its numbers, as `classOf` has them; `CLASS.text` for integers beyond 64 bits. */
  classes: number;
  /** Of the elements of its lists. */
  readonly elements: Set<ElementKind>;
}

type ElementKind = 'flag' | 'number' | 'other';

/**
 * The columns of a JSONL file, by its first lines: the names of all of them, in the order in which they first come.
 *
 * Errors: INPUT_FORMAT for a list of objects, or objects over several lines, with the command that makes JSONL of them;
 * INPUT_UNSUPPORTED for too many names.
 */
export function describeJsonl(sample: TextSample, uri: string): ColumnInfo[] {
  const guesses = new Map<string, NameGuess>();
  const object = new JsonObject();
  let firstProblem: { readonly line: number; readonly problem: string; readonly isCut: boolean } | null = null;
  let objects = 0;
  let failed = 0;
  for (const { line, from, to } of lines(sample)) {
    const { members, problem } = readMembers(object, sample.bytes, from, to);
    if (problem !== null) {
      firstProblem ??= { line, problem, isCut: object.isCut };
      failed++;
      // A list, or an object over several lines; else the rest would only be rejected line by line.
      const isOther = sample.bytes[from] === OPEN_LIST || (firstProblem.isCut && failed > 1);
      if (objects === 0 && isOther) break;
      continue;
    }
    objects++;
    for (const [name, member] of members) addMember(guesses, name, member);
    if (guesses.size > TEXT_LIMITS.columns) {
      const what = `more than ${TEXT_LIMITS.columns} different names in the first ${line} lines`;
      throw textFault('INPUT_UNSUPPORTED', uri, what);
    }
  }
  if (objects === 0 && firstProblem !== null) throw notJsonl(sample, firstProblem, uri);
  const later = laterGuesses(sample, object);
  const names = new Set([...guesses.keys(), ...later.keys()]);
  return [...names].slice(0, TEXT_LIMITS.columns).map((name) => joined(name, guesses.get(name), later.get(name)));
}

function laterGuesses(sample: TextSample, object: JsonObject): Map<string, NameGuess> {
  const guesses = new Map<string, NameGuess>();
  for (const piece of sample.later) {
    for (const { line, from, to } of lines(piece)) {
      if (line > TEXT_LIMITS.laterRecords) break;
      const { members, problem } = readMembers(object, piece.bytes, from, to);
      if (problem !== null) continue;
      for (const [name, member] of members) addMember(guesses, name, member);
    }
  }
  return guesses;
}

/** What comes later in the file counts as long as the column can be read with it. */
function joined(name: string, first: NameGuess | undefined, later: NameGuess | undefined): ColumnInfo {
  if (first === undefined || later === undefined) return columnOf(name, first ?? later ?? EMPTY_GUESS);
  if (first.kinds.size === 0) return columnOf(name, later);
  const both = columnOf(name, {
    kinds: new Set([...first.kinds, ...later.kinds]),
    classes: first.classes | later.classes,
    elements: new Set([...first.elements, ...later.elements]),
  });
  return both.unsupported === undefined ? both : columnOf(name, first);
}

const EMPTY_GUESS: NameGuess = { kinds: new Set(), classes: 0, elements: new Set() };

/** Whether a file's first line that is not blank is a JSON object, or begins as JSON of another form. */
export function looksLikeJson(sample: TextSample): 'object' | 'other' | 'no' {
  const [first] = lines(sample);
  if (first === undefined) return 'no';
  const object = new JsonObject();
  if (object.read(sample.bytes, first.from, first.to, () => undefined) === null) return 'object';
  const text = Buffer.from(sample.bytes.subarray(first.from, first.to)).toString().trim();
  return text === '{' || text === '[' || /^\[\s*\{/.test(text) ? 'other' : 'no';
}

interface Member {
  readonly kind: JsonKind;
  readonly classes: number;
  readonly elements: ReadonlySet<ElementKind>;
}

function readMembers(
  object: JsonObject,
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly members: ReadonlyMap<string, Member>; readonly problem: string | null } {
  const members = new Map<string, Member>();
  const visit: JsonVisitor = (keyFrom, keyTo, isKeyEscaped, kind, valueFrom, valueTo) => {
    const name = jsonText(bytes, keyFrom, keyTo, isKeyEscaped);
    if (name === null) return;
    const elements = new Set<ElementKind>();
    let classes = 0;
    const add = (from: number, to: number): void => {
      classes |= classOf(jsonText(bytes, from, to, false) ?? '', FORMS);
    };
    if (kind === 'number') add(valueFrom, valueTo);
    const isFlat =
      kind !== 'list' ||
      walkList(bytes, valueFrom, valueTo, (element, from, to) => {
        if (element !== 'null') elements.add(element);
        if (element === 'number') add(from, to);
        return true;
      });
    if (!isFlat) elements.add('other');
    members.set(name, { kind, classes, elements });
  };
  return { members, problem: object.read(bytes, from, to, visit) };
}

function addMember(guesses: Map<string, NameGuess>, name: string, { kind, classes, elements }: Member): void {
  const guess = guesses.get(name) ?? { kinds: new Set(), classes: 0, elements: new Set() };
  for (const element of elements) guess.elements.add(element);
  guesses.set(name, guess);
  if (kind !== 'null') guess.kinds.add(kind);
  guess.classes |= classes;
}

function columnOf(name: string, { kinds, classes, elements }: NameGuess): ColumnInfo {
  // A list is guessed of its elements, as a column of them would be.
  if (kinds.has('list') && kinds.size === 1) return listColumn(name, classes, elements);
  const [kind] = kinds;
  const hasLong = (classes & CLASS.longInteger) !== 0;
  const column = (type: string, unsupported: string | null): ColumnInfo => ({
    ...{ name, type, nullable: true },
    text: {
      ...{ field: null, isDeclared: false },
      ...(kind === undefined ? { isEmpty: true as const } : {}),
      ...(hasLong ? { hasLongIntegers: true as const } : {}),
    },
    ...(unsupported === null ? {} : { unsupported }),
  });
  if (kind === undefined) return column('VARCHAR', EMPTY);
  if (kinds.has('nested')) return column('VARCHAR', 'it holds objects');
  if (kinds.size > 1) return column('VARCHAR', `it holds ${[...kinds].map(sayKind).join(' and ')}`);
  if (kind === 'text') return column('VARCHAR', null);
  if (kind === 'flag') return column('BOOLEAN', null);
  if ((classes & CLASS.text) !== 0)
    return column('DOUBLE', 'it holds numbers beyond 64 bits; say its type in input.schema');
  if ((classes & CLASS.double) === 0) return column('BIGINT', null);
  const mixed = 'it holds fractions, and integers that a double would change; say its type in input.schema';
  return column('DOUBLE', hasLong ? mixed : null);
}

function listColumn(name: string, classes: number, elements: ReadonlySet<ElementKind>): ColumnInfo {
  const kinds = new Set<JsonKind>();
  for (const element of elements) if (element !== 'other') kinds.add(element);
  const of = columnOf(name, { kinds, classes, elements: new Set() });
  if (!elements.has('other') && elements.size <= 1) return { ...of, type: `${of.type}[]` };
  return { ...of, type: 'VARCHAR', unsupported: 'it holds lists of something else than numbers, or than flags' };
}

function sayKind(kind: JsonKind): string {
  return { null: 'nulls', flag: 'true or false', number: 'numbers', text: 'texts', list: 'lists', nested: 'objects' }[
    kind
  ];
}

/** Lines of a sample that are not blank; the last one only when it is whole. */
function* lines({ bytes, isWhole }: TextPiece): Generator<{ line: number; from: number; to: number }> {
  let line = 0;
  for (let from = 0; from < bytes.length && line < TEXT_LIMITS.sampleRecords; ) {
    const lf = bytes.indexOf(LF, from);
    if (lf === -1 && !isWhole) return;
    const to = lf === -1 ? bytes.length : lf;
    line++;
    const start = skipBlanks(bytes, from, to);
    if (start < to) yield { line, from: start, to };
    from = to + 1;
  }
}

function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d)) at++;
  return at;
}

function notJsonl(
  sample: TextSample,
  first: { readonly line: number; readonly problem: string; readonly isCut: boolean },
  uri: string,
): Error {
  const name = fileName(uri);
  const target = `${name.replace(/\.(json|jsonl|ndjson)$/i, '')}.jsonl`;
  const [start] = lines(sample);
  if (start !== undefined && sample.bytes[start.from] === OPEN_LIST) {
    return textFault('INPUT_FORMAT', uri, 'the file is one JSON list and not lines of objects', {
      fix: `Convert it: jq -c '.[]' ${name} > ${target}`,
    });
  }
  if (first.isCut && sample.bytes.subarray(0, sample.bytes.length).includes(LF)) {
    return textFault('INPUT_FORMAT', uri, 'a JSON object goes over several lines', {
      expected: 'one object a line',
      fix: `Convert it: jq -c . ${name} > ${target}`,
    });
  }
  return textFault('INPUT_FORMAT', uri, `line ${first.line}: ${first.problem}`, { expected: 'one JSON object a line' });
}
