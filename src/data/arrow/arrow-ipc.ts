import type { ByteRange } from '../../base/contract/object-store.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { type ArrowBatch, describeBatches } from './arrow-batch-headers.ts';
import { type ArrowColumn, describeColumn } from './arrow-duckdb-type.ts';
import { ArrowPlace, quoteName } from './arrow-fault.ts';
import { ARROW_MAGIC, openArrowFile } from './arrow-file.ts';
import { ARROW_LIMITS } from './arrow-limits.ts';
import { decodeMessage, readPrefix } from './arrow-message.ts';
import { readExactly } from './arrow-read.ts';
import type { ArrowField } from './arrow-schema.ts';

/** An Arrow file or stream as the planner sees it. */
export interface ArrowSummary {
  readonly format: 'arrow-file' | 'arrow-stream';
  readonly columns: readonly ArrowColumn[];
  /** Null for a stream. */
  readonly rows: number | null;
  /** In row order, each a range of bytes; empty for a stream. */
  readonly batches: readonly ArrowBatch[];
  /** Ranges that `arrowToParquet` reads whatever the batches: schema, dictionaries, footer. A stream is read whole. */
  readonly metadata: readonly ByteRange[];
}

/**
 * Reads the schema, and of a file the footer and every batch header, without touching a body.
 *
 * Errors: INPUT_EMPTY_FILE, INPUT_FORMAT (not Arrow), INPUT_TRUNCATED, INPUT_FOOTER, INPUT_CORRUPT (a batch header),
 * INPUT_UNSUPPORTED (named), INPUT_DUPLICATE_COLUMN; those of the source. Repeat: safe. `name` is shown in errors.
 */
export async function describeArrow(source: ByteSource, name = 'the Arrow file'): Promise<ArrowSummary> {
  const place = new ArrowPlace(name);
  const format = await detectArrow(source, place);
  if (format === 'arrow-stream') {
    const { fields, range, prefixBytes } = await readStreamSchema(source, place);
    await requireEndMarker(source, prefixBytes, place);
    return { format, columns: describeColumns(fields, place), rows: null, batches: [], metadata: [range] };
  }
  const file = await openArrowFile(source, place);
  const columns = describeColumns(file.fields, place);
  const batches = await describeBatches(source, file, place);
  const dictionaries = file.dictionaries.map((block) => ({
    offset: block.offset,
    length: block.metadataBytes + block.bodyBytes,
  }));
  return {
    format,
    columns,
    rows: batches.reduce((sum, batch) => sum + batch.rows, 0),
    batches,
    metadata: [file.head, ...dictionaries, file.tail],
  };
}

/** File or stream, told from the first bytes. Errors: INPUT_EMPTY_FILE, INPUT_FORMAT, INPUT_TRUNCATED, INPUT_UNSUPPORTED. */
export async function detectArrow(source: ByteSource, place: ArrowPlace): Promise<'arrow-file' | 'arrow-stream'> {
  if (source.size === 0) throw place.fault('INPUT_EMPTY_FILE', 'the file has zero bytes');
  const start = await readExactly(source, { offset: 0, length: Math.min(8, source.size) }, place);
  const text = Buffer.from(start).toString('latin1');
  if (text.startsWith(ARROW_MAGIC)) return 'arrow-file';
  if (text.startsWith('FEA1'))
    throw place.fault('INPUT_UNSUPPORTED', 'the file is in Feather version 1', {
      expected: 'Arrow IPC (Feather version 2)',
    });
  const isCut =
    start.length < 8 && [`${ARROW_MAGIC}\0\0`, '\xff\xff\xff\xff'].some((magic) => magic.startsWith(text.slice(0, 4)));
  if (isCut) throw place.fault('INPUT_TRUNCATED', `the file has only ${source.size} bytes`);
  const prefix = readPrefix(start);
  const isPlausible = prefix !== null && prefix.metadataBytes > 0 && prefix.metadataBytes <= ARROW_LIMITS.messageBytes;
  if (!isPlausible) throw notArrow(place, text.startsWith('PAR1') ? 'a Parquet file' : undefined);
  return 'arrow-stream';
}

export interface StreamSchema {
  readonly fields: readonly ArrowField[];
  readonly range: ByteRange;
  /** 4 for a stream from before Arrow 0.15. */
  readonly prefixBytes: 4 | 8;
}

/**
 * The schema message that a stream starts with, and where it lies.
 *
 * Errors: INPUT_TRUNCATED, INPUT_FORMAT, INPUT_UNSUPPORTED. Repeat: safe.
 */
export async function readStreamSchema(source: ByteSource, place: ArrowPlace): Promise<StreamSchema> {
  const prefix = readPrefix(await readExactly(source, { offset: 0, length: Math.min(8, source.size) }, place));
  if (prefix === null) throw notArrow(place);
  const { prefixBytes, metadataBytes } = prefix;
  if (prefixBytes + metadataBytes > source.size) {
    // Without the marker any text looks like the length of a message.
    if (prefixBytes === 4) throw notArrow(place);
    throw place.fault('INPUT_TRUNCATED', 'the stream ends inside its schema message');
  }
  const metadata = await readExactly(source, { offset: prefixBytes, length: metadataBytes }, place);
  const message = decodeMessage(metadata, place, (what) => notArrow(place, `a start where ${what}`));
  if (message.kind !== 'schema') throw notArrow(place, `a stream that starts with a ${message.kind} message`);
  const length = prefixBytes + metadataBytes + message.bodyLength;
  if (length > source.size) throw place.fault('INPUT_TRUNCATED', 'the stream ends inside its schema message');
  return { fields: message.fields, range: { offset: 0, length }, prefixBytes };
}

/** Fields as columns. Errors: INPUT_DUPLICATE_COLUMN. */
export function describeColumns(fields: readonly ArrowField[], place: ArrowPlace): ArrowColumn[] {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name)) throw place.fault('INPUT_DUPLICATE_COLUMN', `two columns are named ${quoteName(name)}`);
    seen.add(name);
  }
  return fields.map(describeColumn);
}

/** A cheap check while planning; the walk through the messages decides when the stream is read. */
async function requireEndMarker(source: ByteSource, prefixBytes: 4 | 8, place: ArrowPlace): Promise<void> {
  const end = await readExactly(source, { offset: source.size - prefixBytes, length: prefixBytes }, place);
  const prefix = readPrefix(end);
  if (prefix?.prefixBytes !== prefixBytes || prefix.metadataBytes !== 0) throw streamCut(place);
}

/** The error for a stream without its end-of-stream marker. */
export function streamCut(place: ArrowPlace): Error {
  return place.fault('INPUT_TRUNCATED', 'the stream ends without its end-of-stream marker');
}

function notArrow(place: ArrowPlace, got?: string): ReturnType<ArrowPlace['fault']> {
  return place.fault(
    'INPUT_FORMAT',
    'the file is neither an Arrow file nor an Arrow stream',
    got === undefined ? {} : { got },
  );
}
