import { type FileMetaData, parquetMetadata, type SchemaElement } from 'hyparquet';
import { PrescoreError } from '../errors/prescore-error.ts';
import type { ByteSource } from './byte-source.ts';

/** Footer limits: a 6.6 MB footer already costs 1.4 s and 250 MB to parse (measured). */
export const FOOTER_LIMITS = { bytes: 64 * 1024 * 1024, columnChunks: 1_000_000 } as const;

export interface ParquetFooter {
  readonly metadata: FileMetaData;
  /** Top-level columns in file order. */
  readonly columns: readonly FooterColumn[];
  /** Footer, its length and the closing magic, as they stand at the end of the file. */
  readonly tail: Uint8Array;
}

export interface FooterColumn {
  readonly name: string;
  readonly element: SchemaElement;
  /** Set when DuckDB would change values of this column. */
  readonly lossy?: string;
}

const FIRST_READ = 64 * 1024;

/**
 * Reads and checks the footer of a Parquet file, with one or two ranged reads.
 *
 * Errors: INPUT_EMPTY_FILE, INPUT_FORMAT, INPUT_TRUNCATED, INPUT_FOOTER, INPUT_TOO_LARGE, INPUT_UNSUPPORTED,
 * INPUT_DUPLICATE_COLUMN, and those of the source. Source of the limits: `FOOTER_LIMITS`.
 */
export async function readParquetFooter(source: ByteSource, where: string): Promise<ParquetFooter> {
  const tail = await readTail(source, where);
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(tail.slice().buffer, { geoparquet: false });
  } catch (error) {
    const what = `footer does not parse (${error instanceof Error ? error.message : String(error)})`;
    throw new PrescoreError('INPUT_FOOTER', { what, where, cause: error });
  }
  checkMetadata(metadata, source.size - tail.length, where);
  return { metadata, columns: topLevelColumns(metadata.schema, where), tail };
}

async function readTail(source: ByteSource, where: string): Promise<Uint8Array> {
  const { size } = source;
  if (size === 0) throw new PrescoreError('INPUT_EMPTY_FILE', { what: 'file has zero bytes', where });
  const first = await source.read(Math.max(0, size - FIRST_READ), Math.min(size, FIRST_READ));
  const magic = size < 12 ? '' : text(first.subarray(first.length - 4));
  if (magic === 'PARE') throw new PrescoreError('INPUT_UNSUPPORTED', { what: 'file is encrypted Parquet', where });
  if (magic !== 'PAR1') await refuseMagic(source, where);
  const length = new DataView(first.buffer, first.byteOffset + first.length - 8, 4).getInt32(0, true);
  if (length <= 0 || length > size - 12) {
    throw new PrescoreError('INPUT_FOOTER', {
      what: 'footer length cannot be right',
      where,
      expected: `1 to ${size - 12}`,
      got: `${length}`,
    });
  }
  if (length > FOOTER_LIMITS.bytes) {
    throw new PrescoreError('INPUT_TOO_LARGE', {
      what: 'footer is too large',
      where,
      expected: `at most ${FOOTER_LIMITS.bytes} bytes`,
      got: `${length}`,
    });
  }
  if (length + 8 <= first.length) return first.subarray(first.length - length - 8);
  return source.read(size - length - 8, length + 8);
}

async function refuseMagic(source: ByteSource, where: string): Promise<never> {
  const head = await source.read(0, Math.min(source.size, 256));
  if (text(head.subarray(0, 4)) === 'PAR1') {
    throw new PrescoreError('INPUT_TRUNCATED', { what: 'Parquet file has no footer: it was cut short', where });
  }
  const isPage = text(head).trimStart().startsWith('<');
  const got = isPage ? 'a web page or XML' : text(head.subarray(0, 6)) === 'ARROW1' ? 'an Arrow file' : 'other bytes';
  throw new PrescoreError('INPUT_FORMAT', { what: 'file is not Parquet', where, expected: 'PAR1 at both ends', got });
}

function checkMetadata(metadata: FileMetaData, dataEnd: number, where: string): void {
  const groups = metadata.row_groups;
  const chunkCount = groups.reduce((sum, group) => sum + group.columns.length, 0);
  if (chunkCount > FOOTER_LIMITS.columnChunks) {
    throw new PrescoreError('INPUT_TOO_LARGE', {
      what: 'file has too many column chunks',
      where,
      expected: `at most ${FOOTER_LIMITS.columnChunks}`,
      got: `${chunkCount}`,
    });
  }
  const rows = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (rows !== Number(metadata.num_rows) || groups.some((group) => group.num_rows < 0n)) {
    throw new PrescoreError('INPUT_FOOTER', {
      what: 'row counts of the row groups do not add up',
      where,
      expected: `${metadata.num_rows}`,
      got: `${rows}`,
    });
  }
  for (const [index, group] of groups.entries()) {
    for (const chunk of group.columns) {
      const meta = chunk.meta_data;
      if (meta === undefined)
        throw new PrescoreError('INPUT_UNSUPPORTED', {
          what: 'column chunk lives in another file or is encrypted',
          where,
        });
      if (meta.codec === 'LZO')
        throw new PrescoreError('INPUT_UNSUPPORTED', {
          what: `column ${meta.path_in_schema.join('.')} is compressed with LZO`,
          where,
        });
      const range = columnChunkRange(meta);
      if (range.offset < 4 || range.length < 0 || range.offset + range.length > dataEnd) {
        const what = `column ${meta.path_in_schema.join('.')} of row group ${index} lies outside the file`;
        throw new PrescoreError('INPUT_TRUNCATED', { what, where });
      }
    }
  }
}

/** Bytes of one column chunk, dictionary page included. */
export function columnChunkRange(meta: {
  readonly data_page_offset: bigint;
  readonly dictionary_page_offset?: bigint;
  readonly total_compressed_size: bigint;
}): { readonly offset: number; readonly length: number } {
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const data = Number(meta.data_page_offset);
  // Some writers put 0 or a later offset for "no dictionary".
  const offset = dictionary > 0 && dictionary < data ? dictionary : data;
  return { offset, length: Number(meta.total_compressed_size) };
}

function topLevelColumns(schema: readonly SchemaElement[], where: string): FooterColumn[] {
  const columns: FooterColumn[] = [];
  const seen = new Set<string>();
  let at = 1;
  const skip = (): void => {
    const children = schema[at++]?.num_children ?? 0;
    for (let i = 0; i < children; i++) skip();
  };
  while (at < schema.length) {
    const element = schema[at]!;
    const lossy = lossyReason(schema, at);
    skip();
    if (seen.has(element.name)) {
      throw new PrescoreError('INPUT_DUPLICATE_COLUMN', {
        what: `two columns are named ${JSON.stringify(element.name)}`,
        where,
      });
    }
    seen.add(element.name);
    columns.push({ name: element.name, element, ...(lossy === undefined ? {} : { lossy }) });
  }
  return columns;
}

function lossyReason(schema: readonly SchemaElement[], at: number): string | undefined {
  const element = schema[at]!;
  if (element.type === 'INT96') return 'INT96 timestamps are read in microseconds';
  const logical = element.logical_type;
  if (logical?.type === 'TIMESTAMP' && logical.unit === 'NANOS' && logical.isAdjustedToUTC) {
    return 'zoned nanosecond timestamps are read in microseconds';
  }
  if (logical?.type === 'TIME' && logical.unit === 'NANOS') return 'nanosecond times are read in microseconds';
  return undefined;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
