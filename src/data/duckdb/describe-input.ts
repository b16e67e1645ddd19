import type { FileDescription } from '../../base/contract/table.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { describeParquet } from './describe-file.ts';
import type { Duck } from './duckdb.ts';

export interface InputFile {
  readonly uri: string;
  readonly etag: string;
  readonly format: 'auto' | 'parquet' | 'arrow';
  /** The file itself when it can be read in place. */
  readonly localPath: string | null;
  /** A new scratch path, for what DuckDB has to look at. */
  readonly scratchPath: string;
  /** What a Parquet footer may have at most, in bytes. */
  readonly maxFooterBytes: number;
}

/**
 * Columns, row groups or record batches, and rows of an input file in either format, without reading its data.
 *
 * Errors: those of `describeParquet` and `describeArrow`. With `auto` the first bytes decide, then the name's ending.
 */
export async function describeInput(duck: Duck, source: ByteSource, file: InputFile): Promise<FileDescription> {
  if ((await formatOf(source, file)) === 'parquet') {
    return describeParquet(duck, source, file);
  }
  // Loaded when it is needed: thirty files that a Parquet run does not start with.
  const { describeArrow } = await import('../arrow/arrow-ipc.ts');
  const { format, columns, rows, batches } = await describeArrow(source, file.uri);
  const rowGroups = batches.map((b) => ({
    rows: b.rows,
    compressedBytes: b.length,
    uncompressedBytes: Math.max(b.length, b.uncompressedBytes),
  }));
  return { uri: file.uri, etag: file.etag, size: source.size, format, columns, rowGroups, rows };
}

async function formatOf(source: ByteSource, file: InputFile): Promise<'parquet' | 'arrow'> {
  if (file.format !== 'auto') return file.format;
  const head = source.size >= 8 ? new TextDecoder('latin1').decode(await source.read(0, 8)) : '';
  if (head.startsWith('PAR1')) return 'parquet';
  if (head.startsWith('ARROW1') || head.startsWith('\u00ff\u00ff\u00ff\u00ff')) return 'arrow';
  return /\.(arrow|arrows|feather|ipc)$/i.test(file.uri) ? 'arrow' : 'parquet';
}
