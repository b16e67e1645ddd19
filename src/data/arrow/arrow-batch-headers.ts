import type { ByteRange } from '../../base/contract/object-store.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import type { ArrowPlace } from './arrow-fault.ts';
import type { ArrowBlock, ArrowFile } from './arrow-file.ts';
import { type ArrowMessage, decodeMessage, readPrefix } from './arrow-message.ts';
import { readExactly } from './arrow-read.ts';
import type { ArrowField } from './arrow-schema.ts';

// Headers that lie near each other come with one read: a store answers few large reads sooner than many small ones.
const NEAR_BYTES = 64 * 1024;
const GROUP_BYTES = 1024 * 1024;
const READS_AT_ONCE = 8;

/** One record batch of an Arrow file. */
export interface ArrowBatch extends ByteRange {
  readonly rows: number;
  /** Bytes in memory: exact for a body without compression, else a lower bound from the types and the stored size. */
  readonly uncompressedBytes: number;
}

/** Blocks whose headers are read together. */
interface HeaderGroup extends ByteRange {
  readonly first: number;
  readonly blocks: readonly ArrowBlock[];
}

/**
 * Rows and place of every record batch, from the message headers.
 *
 * Errors: INPUT_CORRUPT naming the batch, INPUT_UNSUPPORTED; those of the source. Repeat: safe.
 */
export async function describeBatches(source: ByteSource, file: ArrowFile, place: ArrowPlace): Promise<ArrowBatch[]> {
  const groups = groupHeaders(file.batches);
  const rowBytes = file.fields.reduce((sum, field) => sum + fixedBytes(field), 0);
  const batches: ArrowBatch[] = [];
  for (let i = 0; i < groups.length; i += READS_AT_ONCE) {
    const some = groups.slice(i, i + READS_AT_ONCE);
    const read = await Promise.all(some.map((group) => readExactly(source, group, place)));
    some.forEach((group, k) => {
      const bytes = read[k] ?? new Uint8Array(0);
      for (const [n, block] of group.blocks.entries()) {
        const metadata = bytes.subarray(block.offset - group.offset);
        batches.push(describeBatch(metadata, block, rowBytes, place.inBatch(group.first + n)));
      }
    });
  }
  return batches;
}

/**
 * Decodes the message at a block of the footer, whose first `metadataBytes` are the start of `bytes`.
 *
 * Errors: INPUT_CORRUPT when message and footer disagree, INPUT_UNSUPPORTED. Repeat: safe.
 */
export function decodeBlock(bytes: Uint8Array, block: ArrowBlock, place: ArrowPlace): ArrowMessage {
  const damage = place.damage('INPUT_CORRUPT');
  const prefix = readPrefix(bytes);
  if (prefix === null || prefix.prefixBytes + prefix.metadataBytes !== block.metadataBytes) {
    throw damage('the message does not have the length that the footer gives');
  }
  const message = decodeMessage(bytes.subarray(prefix.prefixBytes, block.metadataBytes), place, damage);
  const bodyBytes = message.kind === 'schema' ? message.bodyLength : message.batch.bodyLength;
  if (bodyBytes !== block.bodyBytes) throw damage('the body does not have the length that the footer gives');
  return message;
}

function describeBatch(bytes: Uint8Array, block: ArrowBlock, rowBytes: number, place: ArrowPlace): ArrowBatch {
  const message = decodeBlock(bytes, block, place);
  if (message.kind !== 'batch') throw place.fault('INPUT_CORRUPT', `the message is a ${message.kind}`);
  const { rows, codec } = message.batch;
  return {
    rows,
    offset: block.offset,
    length: block.metadataBytes + block.bodyBytes,
    uncompressedBytes: codec === null ? block.bodyBytes : Math.max(block.bodyBytes, rows * rowBytes),
  };
}

function groupHeaders(blocks: readonly ArrowBlock[]): HeaderGroup[] {
  const groups: { first: number; offset: number; length: number; blocks: ArrowBlock[] }[] = [];
  blocks.forEach((block, index) => {
    const end = block.offset + block.metadataBytes;
    const group = groups.at(-1);
    const gap = group === undefined ? 0 : block.offset - (group.offset + group.length);
    if (group !== undefined && gap >= 0 && gap <= NEAR_BYTES && end - group.offset <= GROUP_BYTES) {
      group.length = end - group.offset;
      group.blocks.push(block);
    } else {
      groups.push({ first: index, offset: block.offset, length: block.metadataBytes, blocks: [block] });
    }
  });
  return groups;
}

/** Bytes that a row takes at least, from the types alone. */
function fixedBytes({ type, children, dictionary }: ArrowField): number {
  if (dictionary !== null) return dictionary.bits / 8;
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'decimal':
      return type.bits / 8;
    case 'date':
      return type.unit === 'day' ? 4 : 8;
    case 'time':
      return type.bits / 8;
    case 'timestamp':
    case 'duration':
      return 8;
    case 'fixed-binary':
      return type.size;
    case 'utf8':
    case 'binary':
    case 'list':
      return type.large ? 8 : 4;
    case 'utf8-view':
    case 'binary-view':
      return 16;
    case 'fixed-list':
      return type.size * children.reduce((sum, child) => sum + fixedBytes(child), 0);
    case 'struct':
      return children.reduce((sum, child) => sum + fixedBytes(child), 0);
    default:
      return 0;
  }
}
