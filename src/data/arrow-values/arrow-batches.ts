import { decodeBlock } from '../arrow/arrow-batch-headers.ts';
import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowBlock, ArrowFile } from '../arrow/arrow-file.ts';
import { streamCut } from '../arrow/arrow-ipc.ts';
import { ARROW_LIMITS } from '../arrow/arrow-limits.ts';
import type { ArrowLocalFile } from '../arrow/arrow-local-file.ts';
import { type ArrowMessage, type BatchHeader, decodeMessage, readPrefix } from '../arrow/arrow-message.ts';
import type { ArrowDictionaries } from './arrow-dictionaries.ts';

/** A record batch whose header has been read, and whose body lies in the file as a whole. */
export interface FoundBatch {
  /** Number in the file, from 0. */
  readonly index: number;
  readonly header: BatchHeader;
  readonly bodyOffset: number;
}

/**
 * Record batches `first` to `last` (both included) of a file, after all its dictionaries.
 *
 * Errors: INPUT_CORRUPT, INPUT_UNSUPPORTED, INPUT_TRUNCATED, those of reading dictionaries.
 */
export function* fileBatches(
  file: ArrowLocalFile,
  { dictionaries, batches }: ArrowFile,
  range: { readonly first: number; readonly last: number },
  target: ArrowDictionaries,
  place: ArrowPlace,
): Generator<FoundBatch> {
  const seen = new Set<bigint>();
  for (const block of dictionaries) {
    const message = readBlock(file, block, place);
    if (message.kind !== 'dictionary') throw place.fault('INPUT_CORRUPT', `a ${message.kind} stands for a dictionary`);
    const { id, isDelta, batch } = message;
    if (!isDelta && seen.has(id)) throw place.fault('INPUT_CORRUPT', `the file holds dictionary ${id} twice`);
    seen.add(id);
    target.load(id, isDelta, batch, block.offset + block.metadataBytes, place.inDictionary(id));
  }
  for (let index = range.first; index <= range.last; index++) {
    const block = batches[index];
    const inBatch = place.inBatch(index);
    if (block === undefined) throw inBatch.fault('INPUT_TRUNCATED', `the file has ${batches.length} record batches`);
    const message = readBlock(file, block, inBatch);
    if (message.kind !== 'batch') throw inBatch.fault('INPUT_CORRUPT', `a ${message.kind} stands for a record batch`);
    yield { index, header: message.batch, bodyOffset: block.offset + block.metadataBytes };
  }
}

/**
 * All record batches of a stream, from byte `start` behind its schema. Ends only at the end-of-stream marker, with
 * nothing behind it: a stream that was cut between two messages would else pass for a shorter one.
 *
 * Errors: INPUT_TRUNCATED, INPUT_FORMAT (bytes behind the marker), INPUT_CORRUPT, those of reading dictionaries.
 */
export function* streamBatches(
  file: ArrowLocalFile,
  start: number,
  target: ArrowDictionaries,
  place: ArrowPlace,
): Generator<FoundBatch> {
  let at = start;
  let index = 0;
  for (;;) {
    const prefix = readPrefix(file.readNow(at, Math.min(8, file.size - at)));
    if (prefix === null) throw streamCut(place);
    at += prefix.prefixBytes;
    if (prefix.metadataBytes === 0) break;
    const here = place.inBatch(index);
    if (prefix.metadataBytes < 0 || prefix.metadataBytes > ARROW_LIMITS.messageBytes) {
      throw here.fault('INPUT_CORRUPT', `a message claims ${prefix.metadataBytes} bytes of metadata`);
    }
    if (at + prefix.metadataBytes > file.size) throw streamCut(place);
    const message = decodeMessage(file.readNow(at, prefix.metadataBytes), here, here.damage('INPUT_CORRUPT'));
    const bodyOffset = at + prefix.metadataBytes;
    if (message.kind === 'schema') throw here.fault('INPUT_CORRUPT', 'the stream holds a second schema');
    at = bodyOffset + message.batch.bodyLength;
    if (at > file.size) throw streamCut(place);
    if (message.kind === 'dictionary') {
      target.load(message.id, message.isDelta, message.batch, bodyOffset, place.inDictionary(message.id));
    } else {
      yield { index, header: message.batch, bodyOffset };
      index++;
    }
  }
  if (at !== file.size) {
    throw place.fault('INPUT_FORMAT', `${file.size - at} bytes follow the end of the stream`, {
      fix: 'Write every stream to a file of its own.',
    });
  }
}

function readBlock(file: ArrowLocalFile, block: ArrowBlock, place: ArrowPlace): ArrowMessage {
  return decodeBlock(file.readNow(block.offset, block.metadataBytes), block, place);
}
