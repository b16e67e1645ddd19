import type { CsvSettings, InputFormat } from '../../base/contract/job.ts';
import type { FileDescription } from '../../base/contract/table.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { describeParquet } from './describe-file.ts';
import type { Duck } from './duckdb.ts';

export interface InputFile {
  readonly uri: string;
  readonly etag: string;
  readonly format: InputFormat;
  /** What the job says of CSV files. */
  readonly csv?: CsvSettings | undefined;
  /** The file itself when it can be read in place. */
  readonly localPath: string | null;
  /** A new scratch path, for what DuckDB has to look at. */
  readonly scratchPath: string;
  /** What a Parquet footer may have at most, in bytes. */
  readonly maxFooterBytes: number;
}

/**
 * Columns, row groups or record batches, and rows of an input file in any format, without reading its data; of a text file the
 * first lines are read, and its rows are not known.
 *
 * Errors: those of `describeParquet`, `describeArrow` and `describeText`. With `auto` the first bytes decide, then the name's
 * ending, then whether the start of the file is text.
 */
export async function describeInput(duck: Duck, source: ByteSource, file: InputFile): Promise<FileDescription> {
  const kind = await formatOf(source, file);
  if (kind === 'parquet') return describeParquet(duck, source, file);
  // Loaded when they are needed: thirty files each that a Parquet run does not start with.
  if (kind === 'text') return (await import('../text/describe-text.ts')).describeText(source, file);
  const { describeArrow } = await import('../arrow/arrow-ipc.ts');
  const { format, columns, rows, batches } = await describeArrow(source, file.uri);
  const rowGroups = batches.map((b) => ({
    rows: b.rows,
    compressedBytes: b.length,
    uncompressedBytes: Math.max(b.length, b.uncompressedBytes),
  }));
  return { uri: file.uri, etag: file.etag, size: source.size, format, columns, rowGroups, rows };
}

async function formatOf(source: ByteSource, file: InputFile): Promise<'parquet' | 'arrow' | 'text'> {
  if (file.format === 'csv' || file.format === 'jsonl') return 'text';
  if (file.format !== 'auto') return file.format;
  const head = source.size >= 8 ? new TextDecoder('latin1').decode(await source.read(0, 8)) : '';
  if (head.startsWith('PAR1')) return 'parquet';
  if (head.startsWith('ARROW1') || head.startsWith('\u00ff\u00ff\u00ff\u00ff')) return 'arrow';
  if (/\.(arrow|arrows|feather|ipc)$/i.test(file.uri)) return 'arrow';
  if (/\.(parquet|parq|pq)$/i.test(file.uri)) return 'parquet';
  return (await (await import('../text/describe-text.ts')).isTextFile(source, file.uri)) ? 'text' : 'parquet';
}
