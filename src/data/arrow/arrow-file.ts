import type { ByteRange } from '../../base/contract/object-store.ts';
import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import type { ArrowPlace } from './arrow-fault.ts';
import { FlatTable } from './arrow-flatbuffer.ts';
import { ARROW_LIMITS } from './arrow-limits.ts';
import { type ArrowMessage, decodeMessage, readPrefix, unknownVersion } from './arrow-message.ts';
import { readExactly } from './arrow-read.ts';
import { type ArrowField, decodeSchema } from './arrow-schema.ts';

export const ARROW_MAGIC = 'ARROW1';

/** One message of a file: prefix and metadata (`metadataBytes`, together), then the body. */
export interface ArrowBlock {
  readonly offset: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

/** What the two ends of an Arrow file say. */
export interface ArrowFile {
  readonly fields: readonly ArrowField[];
  readonly dictionaries: readonly ArrowBlock[];
  /** In row order. */
  readonly batches: readonly ArrowBlock[];
  /** All in front of the first block (magic, schema message); footer and magic at the end. */
  readonly head: ByteRange;
  readonly tail: ByteRange;
}

/** The start of a file, and where the part of it that is understood ends. */
interface Head {
  readonly range: ByteRange;
  readonly end: number;
}

const TRAILER_BYTES = 4 + ARROW_MAGIC.length;
const BLOCK_BYTES = 24;
// The magic should be padded to 8 bytes; arrow-rs pads it to 64.
const MAGIC_ALIGNMENT = 64;
// No message is smaller than this, so a gap below it hides no record batch; writers leave padding and an end marker.
const SMALLEST_MESSAGE = 64;

/**
 * Reads head and footer of an Arrow file and checks them against each other: the blocks must lie end to end between the
 * schema message and the footer, so that no record batch can be missing from a damaged footer without notice.
 *
 * Errors: INPUT_TRUNCATED (no footer), INPUT_FOOTER (damaged), INPUT_UNSUPPORTED. Repeat: safe.
 */
export async function openArrowFile(source: ByteSource, place: ArrowPlace): Promise<ArrowFile> {
  const tail = await findTail(source, place);
  const tailBytes = await readExactly(source, tail, place);
  const damage = place.damage('INPUT_FOOTER');
  const footer = FlatTable.root(tailBytes.subarray(0, tail.length - TRAILER_BYTES), damage);
  const version = footer.int16(0, 0);
  if (version !== 3 && version !== 4) throw unknownVersion(version, place, damage);
  const schema = footer.table(1);
  if (schema === null) throw damage('the footer has no schema');
  const fields = decodeSchema(schema, place, damage);
  const dictionaries = decodeBlocks(footer, 2, tail.offset, place);
  const batches = decodeBlocks(footer, 3, tail.offset, place);
  const blocks = [...dictionaries, ...batches];
  const first = blocks.reduce((least, block) => Math.min(least, block.offset), tail.offset);
  const head = await readHead(source, fields, first, tail, place);
  requireNoGaps(blocks, head.end, tail.offset, place);
  return { fields, dictionaries, batches, head: head.range, tail };
}

async function findTail(source: ByteSource, place: ArrowPlace): Promise<ByteRange> {
  const least = 8 + TRAILER_BYTES;
  const missing = place.fault('INPUT_TRUNCATED', 'the file has no footer at its end', {
    expected: `the bytes ${ARROW_MAGIC} at the end`,
  });
  if (source.size < least) throw missing;
  const trailer = await readExactly(source, { offset: source.size - TRAILER_BYTES, length: TRAILER_BYTES }, place);
  if (Buffer.from(trailer).toString('latin1', 4) !== ARROW_MAGIC) throw missing;
  const bytes = new DataView(trailer.buffer, trailer.byteOffset).getInt32(0, true);
  const most = Math.min(source.size - least, ARROW_LIMITS.footerBytes);
  if (bytes <= 0 || bytes > most) {
    throw place.fault('INPUT_FOOTER', 'the length of the footer is out of range', {
      expected: `1 to ${most}`,
      got: `${bytes}`,
    });
  }
  return { offset: source.size - TRAILER_BYTES - bytes, length: bytes + TRAILER_BYTES };
}

function decodeBlocks(footer: FlatTable, slot: number, end: number, place: ArrowPlace): ArrowBlock[] {
  const { view, start, count } = footer.structs(slot, BLOCK_BYTES);
  if (count > ARROW_LIMITS.blocks) {
    throw place.fault('INPUT_UNSUPPORTED', `the file has ${count} blocks`, {
      expected: `at most ${ARROW_LIMITS.blocks}`,
    });
  }
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * BLOCK_BYTES;
    const offset = Number(view.getBigInt64(at, true));
    const metadataBytes = view.getInt32(at + 8, true);
    const bodyBytes = Number(view.getBigInt64(at + 16, true));
    const isInside = offset >= 8 && bodyBytes >= 0 && offset + metadataBytes + bodyBytes <= end;
    if (!isInside || metadataBytes < 8 || metadataBytes > ARROW_LIMITS.messageBytes) {
      throw place.fault('INPUT_FOOTER', `block ${i} of the footer points outside the file`);
    }
    return { offset, metadataBytes, bodyBytes };
  });
}

/**
 * What stands in front of the first block: usually the schema message. The footer's schema is the one that counts; where
 * the two differ, one of them is damaged. Some writers leave the first one out, or write it in another way.
 */
async function readHead(
  source: ByteSource,
  fields: readonly ArrowField[],
  first: number,
  tail: ByteRange,
  place: ArrowPlace,
): Promise<Head> {
  const range = { offset: 0, length: first };
  const bytes = await readExactly(source, { offset: 8, length: Math.min(MAGIC_ALIGNMENT, first - 8) }, place);
  const padding = bytes.findIndex((byte) => byte !== 0) & -8;
  const prefix = readPrefix(bytes.subarray(Math.max(0, padding)));
  if (prefix === null || prefix.metadataBytes === 0) return { range, end: 8 };
  const at = 8 + padding + prefix.prefixBytes;
  const isInside = prefix.metadataBytes > 0 && at + prefix.metadataBytes <= first;
  const metadata = isInside ? await readExactly(source, { offset: at, length: prefix.metadataBytes }, place) : bytes;
  const message = isInside ? tryDecode(metadata, place) : null;
  if (message === null) {
    // Not a message: a schema in another form is no longer than the footer, which holds the schema and more.
    if (first - 8 > tail.length) throw gap(8, first, place);
    return { range, end: first };
  }
  if (message.kind !== 'schema') throw gap(8, first, place);
  if (fingerprint(message.fields) !== fingerprint(fields)) {
    throw place.fault('INPUT_FOOTER', 'the schema in the footer is not the schema at the start of the file');
  }
  return { range, end: at + prefix.metadataBytes + message.bodyLength };
}

function tryDecode(metadata: Uint8Array, place: ArrowPlace): ArrowMessage | null {
  try {
    return decodeMessage(metadata, place, place.damage('INPUT_FOOTER'));
  } catch {
    return null;
  }
}

// Without the ids of dictionaries: some writers number them differently in the two copies.
function fingerprint(fields: readonly ArrowField[]): string {
  return JSON.stringify(fields, (key, value: unknown) => (key === 'id' ? undefined : value));
}

function requireNoGaps(blocks: readonly ArrowBlock[], start: number, end: number, place: ArrowPlace): void {
  let at = start;
  for (const block of blocks.toSorted((a, b) => a.offset - b.offset)) {
    if (block.offset < at)
      throw place.fault('INPUT_FOOTER', `two messages of the footer overlap at byte ${block.offset}`);
    if (block.offset - at >= SMALLEST_MESSAGE) throw gap(at, block.offset, place);
    at = block.offset + block.metadataBytes + block.bodyBytes;
  }
  if (end - at >= SMALLEST_MESSAGE) throw gap(at, end, place);
}

function gap(from: number, to: number, place: ArrowPlace): PrescoreError {
  return place.fault('INPUT_FOOTER', `bytes ${from} to ${to} belong to no record batch of the footer`);
}
