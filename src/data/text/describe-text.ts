import type { CsvSettings, InputFormat } from '../../base/contract/job.ts';
import type { FileDescription } from '../../base/contract/table.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { CSV_DEFAULTS, describeCsv } from './describe-csv.ts';
import { describeJsonl, looksLikeJson } from './describe-jsonl.ts';
import { compressionOf, isRefusedPacking } from './text-compression.ts';
import { textFault } from './text-fault.ts';
import { looksLikeText, readSample } from './text-sample.ts';

const HEAD_BYTES = 16;
const CSV_NAME = /\.(csv|tsv|tab|psv)(\.[a-z0-9]+)?$/i;
const JSONL_NAME = /\.(jsonl|ndjson|json)(\.[a-z0-9]+)?$/i;

/** What is asked of a text file. */
export interface TextRequest {
  readonly uri: string;
  readonly etag: string;
  readonly format: InputFormat;
  readonly csv?: CsvSettings | undefined;
}

/**
 * Whether a file whose first bytes are no other format's is to be read as text: it is packed as text is, its name says so, or
 * its content does.
 */
export async function isTextFile(source: ByteSource, uri: string): Promise<boolean> {
  if (CSV_NAME.test(uri) || JSONL_NAME.test(uri)) return true;
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  return compressionOf(head) !== null || isRefusedPacking(head) || looksLikeText(source);
}

/**
 * Columns and layout of a CSV or JSONL file, by its first MiB. The types are a guess that `settleTextColumns` makes one of for
 * all files of a table.
 *
 * Errors: INPUT_EMPTY_FILE; those of `readSample`, `describeCsv` and `describeJsonl`; INPUT_FORMAT for a file of another format.
 */
export async function describeText(source: ByteSource, request: TextRequest): Promise<FileDescription> {
  const { uri, etag } = request;
  if (source.size === 0) throw textFault('INPUT_EMPTY_FILE', uri, 'the file has zero bytes');
  const sample = await readSample(source, uri);
  const { compression } = sample;
  if (sample.bytes.length === 0) throw textFault('INPUT_EMPTY_FILE', uri, 'the file has no text');
  const inner = Buffer.from(sample.bytes.subarray(0, 6)).toString('latin1');
  if (inner.startsWith('PAR1') || inner === 'ARROW1') {
    const name = inner.startsWith('PAR1') ? 'Parquet' : 'Arrow';
    throw textFault(
      'INPUT_FORMAT',
      uri,
      `the file is ${name}${compression === 'none' ? '' : `, packed by ${compression}`}`,
      {
        ...(compression === 'none' ? {} : { fix: `Unpack it: ${name} has a compression of its own.` }),
      },
    );
  }
  const base = { uri, etag, size: source.size, rowGroups: [], rows: null };
  if (isJsonl(request, sample)) {
    return { ...base, format: 'jsonl', columns: describeJsonl(sample, uri), text: { compression, csv: null } };
  }
  const { layout, columns } = describeCsv(sample, request.csv ?? CSV_DEFAULTS, uri);
  return { ...base, format: 'csv', columns, text: { compression, csv: layout } };
}

function isJsonl({ format, uri }: TextRequest, sample: Parameters<typeof looksLikeJson>[0]): boolean {
  if (format === 'csv' || format === 'jsonl') return format === 'jsonl';
  const json = looksLikeJson(sample);
  if (json === 'object') return true;
  if (CSV_NAME.test(uri)) return false;
  return json === 'other' || JSONL_NAME.test(uri);
}
