import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteRange } from '../../base/contract/object-store.ts';
import { isOutOfSpace, scratchFault } from '../../base/errors/scratch-fault.ts';
import type { ByteSource } from '../object-store/byte-source.ts';
import { chunkRange, leavesOf, type ParquetFooter, type RowSpan, rowSpans } from './parquet-footer.ts';

const MERGE_GAP = 256 * 1024;
const MAX_REQUEST = 8 * 1024 * 1024;
const IN_FLIGHT = 4;

/** Bytes that are known already. */
export interface KnownBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What DuckDB reads first of a Parquet file: its magic and its footer. */
export function parquetFrame(footer: Pick<ParquetFooter, 'tail'>, size: number): KnownBytes[] {
  return [
    { offset: 0, bytes: new TextEncoder().encode('PAR1') },
    { offset: size - footer.tail.length, bytes: footer.tail },
  ];
}

/** Byte ranges of the wanted columns in the row groups that overlap rows [rowStart, rowEnd). */
export function wantedRanges(
  footer: ParquetFooter,
  columns: ReadonlySet<string>,
  rowStart: number,
  rowEnd: number,
): ByteRange[] {
  return rangesOf(footer, columns, rowSpans(footer, rowStart, rowEnd));
}

/** Byte ranges of the wanted columns in these row groups. */
export function rangesOf(footer: ParquetFooter, columns: ReadonlySet<string>, spans: readonly RowSpan[]): ByteRange[] {
  const { groups } = footer;
  const wanted = leavesOf(footer, columns);
  const ranges: ByteRange[] = [];
  for (const { group } of spans) {
    for (const leaf of wanted) ranges.push(chunkRange(groups, group * groups.leaves + leaf));
  }
  return ranges;
}

/** Joins ranges that lie near each other, then cuts them to requests of at most 8 MiB. */
export function planRequests(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = [...ranges].sort((a, b) => a.offset - b.offset);
  const merged: { offset: number; end: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.offset - last.end <= MERGE_GAP)
      last.end = Math.max(last.end, range.offset + range.length);
    else merged.push({ offset: range.offset, end: range.offset + range.length });
  }
  return merged.flatMap(({ offset, end }) => {
    const requests: ByteRange[] = [];
    for (let at = offset; at < end; at += MAX_REQUEST)
      requests.push({ offset: at, length: Math.min(MAX_REQUEST, end - at) });
    return requests;
  });
}

/**
 * Writes a sparse local file of the object's size with the known bytes and the fetched ranges in their places, so that it
 * is read as if it were whole; DuckDB raises an error on a hole, never zeros. Write-once: the path must be new. Returns the
 * bytes fetched.
 *
 * Errors: SCRATCH_FULL; those of the source. A failed fetch leaves the file to the caller's scratch clean-up.
 */
export async function writeSparse(
  source: ByteSource,
  path: string,
  known: readonly KnownBytes[],
  ranges: readonly ByteRange[],
): Promise<number> {
  const requests = planRequests(ranges);
  const file = await open(path, 'wx');
  let bytes = 0;
  try {
    await file.truncate(source.size);
    for (const piece of known) await file.write(piece.bytes, 0, piece.bytes.length, piece.offset);
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const data = await source.read(request.offset, request.length);
        await file.write(data, 0, data.length, request.offset);
        bytes += data.length;
      }
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, requests.length) }, lane));
  } catch (error) {
    throw isOutOfSpace(error) ? scratchFault(error, dirname(path)) : error;
  } finally {
    await file.close();
  }
  return bytes;
}
