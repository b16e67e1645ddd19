import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { FileKind, Recognised } from '../../base/formats/file-kinds.ts';
import { readSample } from '../../base/formats/file-sample.ts';
import { recogniseFile } from '../../base/formats/recognise-file.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { foreignTable } from './foreign-table.ts';

/** A format that tables are read from. */
export type TableFormat = 'parquet' | 'arrow' | 'text';

const MARKS: readonly (readonly [mark: string, format: TableFormat])[] = [
  ['PAR1', 'parquet'],
  ['ARROW1', 'arrow'],
  ['\u00ff\u00ff\u00ff\u00ff', 'arrow'],
];

const latin1 = new TextDecoder('latin1');

/** What the reader of texts takes, or refuses with the command that makes it one. */
const TEXTS: ReadonlySet<FileKind> = new Set<FileKind>(['csv', 'jsonl', 'json', 'gzip', 'zstd', 'xz', 'bzip2', 'lz4']);

/**
 * The one place that names the format of an input file: by its first bytes; where they say nothing, by its name's ending, so that a
 * damaged file is told by the reader of its format. `text` is the same file, for what reads more of it than a table's reader would.
 *
 * Errors: INPUT_FORMAT, with the line that converts it, for what is recognised as something else; those of the source.
 */
export async function tableFormat(source: ByteSource, text: ByteSource, uri: string): Promise<TableFormat> {
  const head = source.size >= 8 ? latin1.decode(await source.read(0, 8)) : '';
  const format = MARKS.find(([mark]) => head.startsWith(mark))?.[1];
  if (format !== undefined) return format;
  const found = await recognised(text, uri);
  const named = /\.(arrow|arrows|feather|ipc)$/i.test(uri)
    ? 'arrow'
    : /\.(parquet|parq|pq)$/i.test(uri)
      ? 'parquet'
      : null;
  // Text under the name of a table is none of its rows: whoever means it says so by `format`.
  if (named === null && found !== null && TEXTS.has(found.kind)) return 'text';
  const foreign = foreignOf(found, uri);
  if (foreign !== null) throw foreign;
  if (named !== null || source.size === 0) return named ?? 'parquet';
  return (await (await import('../text/describe-text.ts')).isTextFile(text, uri)) ? 'text' : 'parquet';
}

/** The refusal of a file that is recognised as something that is no table here; null when it is not recognised. Errors: those of the source. */
export async function asForeign(source: ByteSource, uri: string): Promise<PrescoreError | null> {
  return foreignOf(await recognised(source, uri), uri);
}

async function recognised(source: ByteSource, uri: string): Promise<Recognised | null> {
  if (source.size === 0) return null;
  return recogniseFile(await readSample((offset, length) => source.read(offset, length), source.size, uri));
}

function foreignOf(found: Recognised | null, uri: string): PrescoreError | null {
  // Encrypted Parquet begins with another mark, an old Arrow stream with none: their readers say more.
  const isOwn = found?.kind === 'parquet' || found?.kind === 'arrow' || found?.kind === 'onnx-data';
  return found === null || isOwn ? null : foreignTable(found, uri);
}
