import { type CsvCharacters, CsvScanner, csvSyntax, ESCAPED, QUOTED, unescapeField } from './csv-scanner.ts';
import { TEXT_LIMITS } from './text-limits.ts';
import type { TextPiece, TextSample } from './text-sample.ts';

const CANDIDATES = [',', '\t', ';', '|'] as const;
const RECORDS = 200;

interface Score {
  readonly delimiter: string;
  readonly fields: number;
  /** Records with as many fields as the first one, or as there are names. */
  readonly share: number;
}

/**
 * The delimiter by which the first records have the most alike numbers of fields; a comma where none divides anything.
 * `names`: how many fields there should be, where the job says it.
 */
export function guessDelimiter(
  sample: TextSample,
  others: Omit<CsvCharacters, 'delimiter'>,
  names: number | null,
): string {
  let best: Score = { delimiter: ',', fields: 1, share: 0 };
  for (const delimiter of CANDIDATES) {
    if (delimiter === others.quote || delimiter === others.escape) continue;
    const found = score(sample, { ...others, delimiter }, names);
    if (found.fields < 2) continue;
    if (found.share > best.share || (found.share === best.share && found.fields > best.fields)) best = found;
  }
  return best.delimiter;
}

function score({ bytes, isWhole }: TextSample, characters: CsvCharacters, names: number | null): Score {
  const scanner = new CsvScanner(csvSyntax(characters), 1);
  let fields = names ?? 0;
  let alike = 0;
  let records = 0;
  for (let at = 0; at < bytes.length && records < RECORDS; ) {
    const next = scanner.scan(bytes, at, bytes.length, isWhole);
    if (next === -1) break;
    at = next;
    if (scanner.isBlank) continue;
    if (fields === 0) fields = scanner.fields;
    records++;
    if (scanner.fields === fields) alike++;
  }
  return { delimiter: characters.delimiter, fields, share: records === 0 ? 0 : alike / records };
}

/** Reads the records of a sample as texts; the last one only when it is whole. */
export class SampleReader {
  line = 0;
  isMalformed = false;
  private readonly sample: TextPiece;
  private readonly syntax;
  private readonly scanner: CsvScanner;
  private at = 0;
  private nextLine = 1;

  constructor(sample: TextPiece, characters: CsvCharacters) {
    this.sample = sample;
    this.syntax = csvSyntax(characters);
    this.scanner = new CsvScanner(this.syntax, TEXT_LIMITS.columns + 1);
  }

  /** The fields of the next record; blank lines are passed over when they are none. Null at the end. */
  next(isSkippingBlank: boolean): string[] | null {
    const { scanner, sample } = this;
    for (;;) {
      if (this.at >= sample.bytes.length) return null;
      const stop = scanner.scan(sample.bytes, this.at, sample.bytes.length, sample.isWhole);
      if (stop === -1) return null;
      this.at = stop;
      this.line = this.nextLine;
      this.nextLine += scanner.lineFeeds;
      if (scanner.isBlank && isSkippingBlank) continue;
      this.isMalformed = scanner.problem !== null;
      const kept = Math.min(scanner.fields, scanner.starts.length);
      return Array.from({ length: kept }, (_, i) => this.field(i));
    }
  }

  isQuoted(field: number): boolean {
    return (this.scanner.flags[field]! & QUOTED) !== 0;
  }

  private field(i: number): string {
    const { starts, ends, flags } = this.scanner;
    const bytes = this.sample.bytes;
    const start = starts[i]!;
    const stop = ends[i]!;
    if ((flags[i]! & ESCAPED) === 0)
      return Buffer.from(bytes.buffer, bytes.byteOffset + start, stop - start).toString();
    const into = Buffer.alloc(stop - start);
    return into.subarray(0, unescapeField(this.syntax, bytes, start, stop, this.isQuoted(i), into, 0)).toString();
  }
}
