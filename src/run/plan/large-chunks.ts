import type { PlannedChunk, PlannedFile } from '../../base/contract/plan.ts';

/** How many rows a stream or a text has is not known; one of less is not worth a word. */
const WORTH_BYTES = 1024 * 1024;

/**
 * Says which chunks are larger than `execution.chunkRows` asks, and why: a chunk is whole row groups, or pieces of large ones (of an
 * Arrow file whole record batches), a stream or a text file one piece. Null where every chunk keeps to it.
 */
export function sayLargeChunks(
  chunks: readonly PlannedChunk[],
  files: readonly PlannedFile[],
  chunkRows: number | 'auto',
): string | null {
  if (chunkRows === 'auto') return null;
  const large = chunks.filter(({ rows, bytes }) => (rows === null ? bytes >= WORTH_BYTES : rows > chunkRows));
  const first = large.toSorted((a, b) => (b.rows ?? b.bytes) - (a.rows ?? a.bytes))[0];
  if (first === undefined) return null;
  const why = sayWhy(first, files[first.slices[0]!.file]!);
  return `execution.chunkRows: ${chunkRows} cannot be kept by ${large.length} of ${chunks.length} chunks: ${why}`;
}

function sayWhy({ rows }: PlannedChunk, { uri, format, text }: PlannedFile): string {
  if (rows === null) {
    const what = text === undefined ? 'an Arrow stream' : 'a text file';
    return `${uri} is ${what}, which is read in one piece; write Parquet for smaller ones`;
  }
  const least = `${uri} gives chunks of ${rows} rows`;
  if (format !== 'parquet') return `${least}: a record batch is read whole; write smaller ones for smaller chunks`;
  return `${least}: a row group is cut into 16 pieces at most, of 32,768 rows at least; write smaller ones for smaller chunks`;
}
