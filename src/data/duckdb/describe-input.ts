import type { CsvSettings, InputFormat } from '../../base/contract/job.ts';
import type { FileDescription } from '../../base/contract/table.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { wholeIfSmall } from '../object-store/pinned-source.ts';
import type { ParquetFooter } from '../parquet/parquet-footer.ts';
import { describeParquet } from './describe-file.ts';
import type { Duck } from './duckdb.ts';
import { asForeign, tableFormat } from './table-format.ts';

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
  /** Is given the footer of a Parquet file. */
  readonly onFooter?: (footer: ParquetFooter) => void;
}

/**
 * Columns, row groups or record batches, and rows of an input file in any format, without reading its data; of a text file the
 * first lines are read, and its rows are not known.
 *
 * Errors: those of `describeParquet`, `describeArrow` and `describeText`; with `auto` those of `tableFormat`.
 */
export async function describeInput(duck: Duck, source: ByteSource, file: InputFile): Promise<FileDescription> {
  try {
    return await describe(duck, source, file);
  } catch (error) {
    // The job said what it is: then its reader has only seen what it is not.
    const isFormat = isPrescoreError(error) && error.code === 'INPUT_FORMAT' && file.format !== 'auto';
    throw (isFormat ? await asForeign(source, file.uri) : null) ?? error;
  }
}

async function describe(duck: Duck, source: ByteSource, file: InputFile): Promise<FileDescription> {
  const text = wholeIfSmall(source);
  const asked = file.format === 'auto' ? await tableFormat(source, text, file.uri) : file.format;
  if (asked === 'parquet') return describeParquet(duck, source, file);
  // Loaded when they are needed: thirty files each that a Parquet run does not start with.
  if (asked !== 'arrow') return (await import('../text/describe-text.ts')).describeText(text, file);
  const { describeArrow } = await import('../arrow/arrow-ipc.ts');
  const { format, columns, rows, batches } = await describeArrow(source, file.uri);
  const rowGroups = batches.map((b) => ({
    rows: b.rows,
    compressedBytes: b.length,
    uncompressedBytes: Math.max(b.length, b.uncompressedBytes),
  }));
  return { uri: file.uri, etag: file.etag, size: source.size, format, columns, rowGroups, rows };
}
