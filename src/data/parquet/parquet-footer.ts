import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { parseFooter, type RawFooter, type RowGroups } from './footer-parse.ts';
import { type FooterColumn, type FooterLeaf, readColumns } from './parquet-schema.ts';
import type { ReadSchema } from './schema-nodes.ts';

/**
 * Footer limits. DuckDB holds about 11 bytes per footer byte; and a query over one row group walks all of them in
 * quadratic time: 20,000 took 4 s, 100,000 took four minutes.
 */
export const FOOTER_LIMITS = { bytes: 64 * 1024 * 1024, columnChunks: 1_000_000, rowGroups: 20_000 } as const;

/** Rows of one row group, counted from the file's first row. */
export interface RowSpan {
  readonly group: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

export interface ParquetFooter {
  /** Top-level columns in file order. */
  readonly columns: readonly FooterColumn[];
  readonly leaves: readonly FooterLeaf[];
  /** The schema as it stands in `tail`: files of equal bytes have equal columns. */
  readonly schemaBytes: Uint8Array;
  readonly groups: RowGroups;
  readonly rows: number;
  /** Where things lie in `tail`, see `RawFooter`. */
  readonly places: Pick<RawFooter, 'schemaAt' | 'rowsAt' | 'rowsEnd'> & Pick<ReadSchema, 'nodesAt'>;
  /** Footer, its length and the closing magic, as they stand at the end of the file. */
  readonly tail: Uint8Array;
}

const FIRST_READ = 64 * 1024;
const CODECS: Readonly<Record<number, string>> = { 3: 'LZO', 5: 'LZ4 in the framing of Hadoop' };
const KNOWN_CODECS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 7]);

/**
 * Reads and checks the footer of a Parquet file, with one or two ranged reads. `maxBytes`: what it may have at most.
 *
 * Errors: INPUT_EMPTY_FILE, INPUT_FORMAT, INPUT_TRUNCATED, INPUT_FOOTER, INPUT_TOO_LARGE, INPUT_UNSUPPORTED,
 * INPUT_DUPLICATE_COLUMN, and those of the source. Source of the limits: `FOOTER_LIMITS`.
 */
export async function readParquetFooter(
  source: ByteSource,
  where: string,
  maxBytes: number = FOOTER_LIMITS.bytes,
): Promise<ParquetFooter> {
  const tail = await readTail(source, where, Math.min(maxBytes, FOOTER_LIMITS.bytes));
  try {
    const raw = parseFooter(tail, (groups, chunks) => checkSize(groups, chunks, where));
    if (raw.unreadable !== null)
      throw new PrescoreError('INPUT_UNSUPPORTED', { what: `the file cannot be read: ${raw.unreadable}`, where });
    const { columns, leaves } = columnsOf(raw.schema, where);
    checkRows(raw, leaves, where);
    checkRanges(raw.groups, leaves, source.size - tail.length, where);
    return {
      columns: withChunkFaults(columns, raw.groups, leaves, where),
      leaves,
      schemaBytes: raw.schema.bytes,
      groups: raw.groups,
      rows: raw.rows,
      places: { schemaAt: raw.schemaAt, nodesAt: raw.schema.nodesAt, rowsAt: raw.rowsAt, rowsEnd: raw.rowsEnd },
      tail,
    };
  } catch (error) {
    if (isPrescoreError(error)) throw error;
    const what = `footer does not parse (${error instanceof Error ? error.message : String(error)})`;
    throw new PrescoreError('INPUT_FOOTER', { what, where, cause: error });
  }
}

/** Bytes of one column chunk, dictionary page included. */
export function chunkRange(groups: RowGroups, at: number): { readonly offset: number; readonly length: number } {
  const data = groups.dataOffset[at]!;
  const dictionary = groups.dictionaryOffset[at]!;
  // Some writers put 0 or a later offset for "no dictionary".
  return { offset: dictionary > 0 && dictionary < data ? dictionary : data, length: groups.length[at]! };
}

/** Leaves of the columns with these names, in file order. */
export function leavesOf({ columns, leaves }: ParquetFooter, names: ReadonlySet<string>): number[] {
  return leaves.flatMap(({ column }, leaf) => (names.has(columns[column]!.name) ? [leaf] : []));
}

/** Row groups that overlap rows [rowStart, rowEnd), cut to them; those without rows are left out. */
export function rowSpans({ groups }: ParquetFooter, rowStart: number, rowEnd: number): RowSpan[] {
  const spans: RowSpan[] = [];
  let row = 0;
  for (let group = 0; group < groups.count; group++) {
    const span = { group, rowStart: Math.max(row, rowStart), rowEnd: Math.min(row + groups.rows[group]!, rowEnd) };
    if (span.rowEnd > span.rowStart) spans.push(span);
    row += groups.rows[group]!;
  }
  return spans;
}

async function readTail(source: ByteSource, where: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = source;
  if (size === 0) throw new PrescoreError('INPUT_EMPTY_FILE', { what: 'file has zero bytes', where });
  const first = await source.read(Math.max(0, size - FIRST_READ), Math.min(size, FIRST_READ));
  const magic = size < 12 ? '' : text(first.subarray(first.length - 4));
  if (magic === 'PARE') throw new PrescoreError('INPUT_UNSUPPORTED', { what: 'file is encrypted Parquet', where });
  if (magic !== 'PAR1') await refuseMagic(source, where);
  const length = new DataView(first.buffer, first.byteOffset + first.length - 8, 4).getInt32(0, true);
  if (length <= 0 || length > size - 12) {
    const expected = `1 to ${size - 12}`;
    throw new PrescoreError('INPUT_FOOTER', {
      what: 'footer length cannot be right',
      where,
      expected,
      got: `${length}`,
    });
  }
  if (length > maxBytes) {
    const expected = `at most ${maxBytes} bytes`;
    const fix = 'Raise execution.memory, or write the file with fewer row groups.';
    throw new PrescoreError('INPUT_TOO_LARGE', { what: 'footer is too large', where, expected, got: `${length}`, fix });
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

function checkSize(groups: number, chunks: number, where: string): void {
  const { columnChunks, rowGroups } = FOOTER_LIMITS;
  const fix = 'Write the file with fewer, larger row groups.';
  if (chunks > columnChunks) {
    const expected = `at most ${columnChunks}`;
    throw new PrescoreError('INPUT_TOO_LARGE', {
      what: 'file has too many column chunks',
      where,
      expected,
      got: `${chunks}`,
      fix,
    });
  }
  if (groups > rowGroups) {
    const expected = `at most ${rowGroups}`;
    throw new PrescoreError('INPUT_TOO_LARGE', {
      what: 'file has too many row groups',
      where,
      expected,
      got: `${groups}`,
      fix,
    });
  }
}

/** Of schemas that were read before: files of a table share them. */
const known = new WeakMap<ReadSchema, ReturnType<typeof readColumns>>();

function columnsOf(schema: ReadSchema, where: string): ReturnType<typeof readColumns> {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const read = readColumns(schema.nodes);
  checkNames(read.columns, where);
  known.set(schema, read);
  return read;
}

function checkNames(columns: readonly FooterColumn[], where: string): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) {
      const what = `two columns are named ${JSON.stringify(name)}`;
      throw new PrescoreError('INPUT_DUPLICATE_COLUMN', { what, where });
    }
    seen.add(name);
  }
}

function checkRows({ rows, groups }: RawFooter, leaves: readonly FooterLeaf[], where: string): void {
  const negative = groups.rows.findIndex((count) => count < 0);
  if (negative >= 0) {
    const what = `row group ${negative} has a negative number of rows`;
    throw new PrescoreError('INPUT_FOOTER', { what, where, got: `${groups.rows[negative]}` });
  }
  const sum = groups.rows.reduce((all, count) => all + count, 0);
  if (sum !== rows) {
    const what = 'row counts of the row groups do not add up';
    throw new PrescoreError('INPUT_FOOTER', { what, where, expected: `${rows}`, got: `${sum}` });
  }
  for (let at = 0; at < groups.values.length; at++) {
    const expected = groups.rows[Math.floor(at / groups.leaves)]!;
    if (groups.values[at] === expected) continue;
    const leaf = leaves[at % groups.leaves]!;
    if (leaf.isRepeated || groups.unreadable.has(at % groups.leaves)) continue;
    throw new PrescoreError('INPUT_FOOTER', {
      what: `column ${JSON.stringify(leaf.path)} of row group ${Math.floor(at / groups.leaves)} has another number of values than rows`,
      where,
      expected: `${expected}`,
      got: `${groups.values[at]}`,
    });
  }
}

function checkRanges(groups: RowGroups, leaves: readonly FooterLeaf[], dataEnd: number, where: string): void {
  const { length, dataOffset, dictionaryOffset, unreadable } = groups;
  for (let group = 0, at = 0; group < groups.count; group++) {
    // A row group without rows may name no pages.
    const isEmpty = groups.rows[group] === 0;
    for (let leaf = 0; leaf < groups.leaves; leaf++, at++) {
      const [data, dictionary, size] = [dataOffset[at]!, dictionaryOffset[at]!, length[at]!];
      const offset = dictionary > 0 && dictionary < data ? dictionary : data;
      if ((offset >= 4 && size >= 0 && offset + size <= dataEnd) || isEmpty || unreadable.has(leaf)) continue;
      const what = `column ${JSON.stringify(leaves[leaf]!.path)} of row group ${group} lies outside the file`;
      throw new PrescoreError('INPUT_TRUNCATED', { what, where });
    }
  }
}

/** A column whose chunks cannot be read says so itself: a job that does not use it is not concerned. */
function withChunkFaults(
  columns: readonly FooterColumn[],
  groups: RowGroups,
  leaves: readonly FooterLeaf[],
  where: string,
): readonly FooterColumn[] {
  const faults = new Map<number, string>();
  for (const [leaf, why] of groups.unreadable) faults.set(leaves[leaf]!.column, why);
  groups.codec.forEach((codec, at) => {
    const { column, path } = leaves[at % groups.leaves]!;
    if (CODECS[codec] !== undefined) faults.set(column, `it is compressed with ${CODECS[codec]}`);
    if (KNOWN_CODECS.has(codec)) return;
    // DuckDB refuses the whole footer.
    const what = `column ${JSON.stringify(path)} is compressed with codec ${codec}, which is not known`;
    throw new PrescoreError('INPUT_UNSUPPORTED', { what, where });
  });
  if (faults.size === 0) return columns;
  return columns.map((c, i) => ({ ...c, unsupported: c.unsupported ?? faults.get(i) ?? null }));
}

const latin1 = new TextDecoder('latin1');

function text(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}
