import type { CsvSettings } from '../../base/contract/job.ts';
import type { ColumnInfo, CsvLayout } from '../../base/contract/table.ts';
import { CLASS, type ClassForms, ColumnGuess, classOf } from './column-guess.ts';
import { guessDelimiter, SampleReader } from './csv-sample.ts';
import type { CsvCharacters } from './csv-scanner.ts';
import { fileName, quoteShort, textFault } from './text-fault.ts';
import { TEXT_LIMITS } from './text-limits.ts';
import type { TextSample } from './text-sample.ts';
import { timeFormat } from './time-texts.ts';

/** What holds where the job says nothing of its CSV files. */
export const CSV_DEFAULTS: CsvSettings = {
  delimiter: null,
  quote: '"',
  escape: null,
  header: null,
  names: null,
  nulls: [],
  decimal: '.',
  dateFormat: null,
  timestampFormat: null,
};

/**
 * How a CSV file is written and what its columns are, by its first lines.
 *
 * Errors: INPUT_FORMAT when there is no header, or when records have another number of fields than it has names;
 * INPUT_DUPLICATE_COLUMN, INPUT_UNSUPPORTED (line ends of a lone carriage return, too many fields).
 */
export function describeCsv(
  sample: TextSample,
  settings: CsvSettings,
  uri: string,
): { readonly layout: CsvLayout; readonly columns: ColumnInfo[] } {
  requireLineFeeds(sample, uri);
  const quote = settings.quote === 'none' ? null : settings.quote;
  const { names } = settings;
  const others = { quote, escape: settings.escape };
  const delimiter = settings.delimiter ?? guessDelimiter(sample, others, names?.length ?? null);
  const characters = { ...others, delimiter };
  const hasHeader = settings.header ?? names === null;
  const reader = new SampleReader(sample, characters);
  const header = hasHeader ? reader.next(true) : null;
  if (hasHeader && (header === null || reader.isMalformed)) throw noHeader(reader, uri);
  const found = names ?? header ?? [];
  if (found.length > TEXT_LIMITS.columns) {
    throw textFault('INPUT_UNSUPPORTED', uri, `a record has ${found.length} fields`, {
      expected: `at most ${TEXT_LIMITS.columns}`,
    });
  }
  requireNames(found, uri);
  if (names !== null && settings.header === null) requireNoHeader(new SampleReader(sample, characters), names, uri);
  if (names === null && settings.header === null) requireWords(found, uri);
  const { decimal, nulls, dateFormat, timestampFormat } = settings;
  const columns = guessColumns(reader, found, { sample, characters, settings, uri });
  return {
    layout: {
      ...{ ...characters, hasHeader, fields: found.length },
      ...{ nulls, decimal, dateFormat, timestampFormat },
    },
    columns,
  };
}

interface GuessOptions {
  readonly sample: TextSample;
  readonly characters: CsvCharacters;
  readonly settings: CsvSettings;
  readonly uri: string;
}

function guessColumns(reader: SampleReader, names: readonly string[], options: GuessOptions): ColumnInfo[] {
  const { sample, characters, settings, uri } = options;
  const { nulls, decimal, dateFormat, timestampFormat } = settings;
  const forms: ClassForms = {
    decimal,
    date: dateFormat === null ? null : timeFormat(dateFormat).read,
    timestamp: timestampFormat === null ? null : timeFormat(timestampFormat).read,
  };
  const nullWords = new Set(nulls);
  const guesses = names.map(() => new ColumnGuess());
  let records = 0;
  let fitting = 0;
  let other = 0;
  for (; records < TEXT_LIMITS.sampleRecords; records++) {
    const fields = reader.next(names.length !== 1);
    if (fields === null) break;
    if (reader.isMalformed || fields.length !== names.length) {
      if (!reader.isMalformed && other === 0) other = fields.length;
      continue;
    }
    fitting++;
    for (const [i, guess] of guesses.entries()) {
      if (guess.isSettled) continue;
      const text = fields[i]!;
      if (text === '' || (nullWords.has(text) && !reader.isQuoted(i))) continue;
      guess.add(classOf(text, forms), text, reader.line);
    }
  }
  if (fitting === 0 && other > 0) throw otherWidth(names.length, other, settings, uri);
  for (const piece of sample.later) addLater(new SampleReader(piece, characters), guesses, forms, nullWords);
  return names.flatMap((name, i) => (name === '' ? [] : [guesses[i]!.column(name, i)]));
}

/** Up to the first record that does not look like one: the piece may begin within quotes. */
function addLater(
  reader: SampleReader,
  guesses: readonly ColumnGuess[],
  forms: ClassForms,
  nullWords: ReadonlySet<string>,
): void {
  for (let records = 0; records < TEXT_LIMITS.laterRecords; records++) {
    const fields = reader.next(true);
    if (fields === null || reader.isMalformed || fields.length !== guesses.length) return;
    for (const [i, text] of fields.entries()) {
      if (text === '' || (nullWords.has(text) && !reader.isQuoted(i))) continue;
      guesses[i]!.addLater(classOf(text, forms));
    }
  }
}

function requireNames(names: readonly string[], uri: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    // pandas writes the names of an index without a name as an empty text; nobody can ask for such a column.
    if (name === '') continue;
    if (seen.has(name)) {
      throw textFault('INPUT_DUPLICATE_COLUMN', uri, `two columns are named ${quoteShort(name)}`, {
        fix: 'Rename one of them where the file is written, or give all names by input.csv: { header: true, names: […] }.',
      });
    }
    seen.add(name);
  }
}

/** A first line of nothing but numbers and times is rather a record. */
function requireWords(names: readonly string[], uri: string): void {
  const forms: ClassForms = { decimal: '.', date: null, timestamp: null };
  const hasWord = names.some((name) => name !== '' && TEXTS.has(classOf(name, forms)));
  if (hasWord || names.every((name) => name === '')) return;
  throw textFault('INPUT_FORMAT', uri, 'the first line holds values rather than names', {
    fix: 'Give the names by input.csv: { names: […] }; if these are the names, say input.csv: { header: true }.',
  });
}

const TEXTS = new Set<number>([CLASS.text, CLASS.notFinite]);

/** Names that are given stand for a header; one that is there all the same would be scored as a row. */
function requireNoHeader(reader: SampleReader, names: readonly string[], uri: string): void {
  const first = reader.next(true) ?? [];
  if (first.length !== names.length || !first.every((name, i) => name.toLowerCase() === names[i]?.toLowerCase()))
    return;
  throw textFault('INPUT_FORMAT', uri, 'the first line has the names that input.csv.names gives', {
    fix: 'Say input.csv: { header: true }, so that it is passed over.',
  });
}

function noHeader(reader: SampleReader, uri: string): Error {
  const what = reader.isMalformed
    ? 'the first line is malformed'
    : 'the file has no line with the names of its columns';
  return textFault('INPUT_FORMAT', uri, what, { expected: 'names, or input.csv: { names: […] }' });
}

function otherWidth(expected: number, got: number, settings: CsvSettings, uri: string): Error {
  const source = settings.names === null ? 'the first line' : 'input.csv.names';
  return textFault('INPUT_FORMAT', uri, `no record has as many fields as ${source} has names`, {
    expected: `${expected}`,
    got: `${got}`,
    fix: 'Give all names by input.csv.names (with header: true if the first line is to be passed over), or the delimiter by input.csv.delimiter.',
  });
}

function requireLineFeeds({ bytes }: TextSample, uri: string): void {
  if (bytes.includes(0x0a) || !bytes.includes(0x0d) || bytes.indexOf(0x0d) === bytes.length - 1) return;
  const name = fileName(uri);
  throw textFault('INPUT_UNSUPPORTED', uri, 'the lines end with a carriage return alone', {
    expected: 'line feeds, or both',
    fix: `Convert it: tr '\\r' '\\n' < ${name} > lines-${name}`,
  });
}
