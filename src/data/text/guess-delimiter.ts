import { type CsvCharacters, CsvScanner, csvSyntax } from './csv-scanner.ts';
import type { TextSample } from './text-sample.ts';

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
