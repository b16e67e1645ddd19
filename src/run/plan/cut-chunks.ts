import type { PlannedChunk, Slice } from '../../base/contract/plan.ts';
import type { RowGroupInfo } from '../../base/contract/table.ts';

/** A file as the cutter sees it: its row groups in order, or null where they are not known (Arrow streams, text): it is not cut. */
export interface CuttableFile {
  readonly rowGroups: readonly RowGroupInfo[] | null;
  readonly size: number;
  /** Of a text file, about how many bytes its text has: small ones share a chunk. Other files without row groups have one each. */
  readonly textBytes?: number;
  /** Whether a row group may be shared by chunks, each of which reads it. */
  readonly isShareable?: boolean;
}

export interface ChunkTarget {
  readonly rows: number;
  /** Bytes after decompression. */
  readonly bytes: number;
  /** `rows` is what the job says: large row groups are shared so that chunks keep to it, as far as it pays. */
  readonly isAsked?: boolean;
}

const MIN_ROWS = 32_768;
const MAX_ROWS = 131_072;
const WANTED_CHUNKS = 8;
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_TEXT_BYTES = 32 * 1024 * 1024;
/**
 * Pieces of a row group: each reads it again. Unasked it would cost more than it gives: a million rows in one row group took two
 * processes a third less time with a slow model, and one process 5 to 19 % more CPU (bench/results/2026-11-30-shared-row-group.json).
 */
const MOST_PIECES = 16;
// A chunk's queries may name all its files: with 4,000 in one, DuckDB took 450 MB to plan them.
const MAX_SLICES = 256;
/** Text files are rewritten one by one, which takes longer than what a chunk costs. */
const MAX_TEXTS = 64;

/**
 * `chunkRows: auto`: 131,072 rows, or less where that would give fewer than 8 chunks. Each chunk costs two queries of about
 * 10 ms (65,536 rows: 4 % more CPU in the heavy case), and larger ones cost memory. Depends on the input alone, never on the
 * machine, so that a plan is the same everywhere.
 */
export function chunkTarget(totalRows: number, chunkRows: number | 'auto'): ChunkTarget {
  if (chunkRows !== 'auto') return { rows: chunkRows, bytes: Number.POSITIVE_INFINITY, isAsked: true };
  const rows = Math.min(MAX_ROWS, Math.max(MIN_ROWS, Math.ceil(totalRows / WANTED_CHUNKS)));
  return { rows, bytes: MAX_BYTES };
}

/**
 * Cuts files into chunks in input order: big files are split between row groups, small files are packed together, text files
 * with text files. Large row groups are cut too where the job asks for smaller chunks.
 * Every row is in exactly one chunk; files without rows are in none. Pure and deterministic.
 */
export function cutChunks(files: readonly CuttableFile[], target: ChunkTarget): PlannedChunk[] {
  return cutBetween(target.isAsked === true ? shared(files, target.rows) : files, target);
}

/** Files with their large row groups in pieces of up to `rows` rows. Each piece has the bytes that it reads: all of them. */
function shared(files: readonly CuttableFile[], rows: number): CuttableFile[] {
  const least = Math.max(MIN_ROWS, rows);
  return files.map((file) => {
    if (file.isShareable !== true || file.rowGroups === null) return file;
    const rowGroups = file.rowGroups.flatMap((group): readonly RowGroupInfo[] => {
      const wanted = group.rows < 2 * MIN_ROWS ? 1 : Math.ceil(group.rows / least);
      const pieces = Math.max(1, Math.min(MOST_PIECES, wanted));
      const at = (piece: number): number => Math.floor((group.rows * piece) / pieces);
      return Array.from({ length: pieces }, (_, i) => ({
        rows: at(i + 1) - at(i),
        compressedBytes: group.compressedBytes,
        uncompressedBytes: Math.ceil(group.uncompressedBytes / pieces),
      }));
    });
    return { ...file, rowGroups };
  });
}

/** Cuts between row groups. */
function cutBetween(files: readonly CuttableFile[], target: ChunkTarget): PlannedChunk[] {
  const chunks: PlannedChunk[] = [];
  const empty = (): OpenChunk => ({ slices: [], rows: 0, weight: 0, bytes: 0, isUncounted: false });
  let open = empty();
  const close = (): void => {
    const rows = open.isUncounted ? null : open.rows;
    if (open.slices.length > 0) chunks.push({ n: chunks.length, slices: open.slices, rows, bytes: open.bytes });
    open = empty();
  };
  files.forEach((file, index) => {
    if (file.rowGroups === null) {
      const weight = file.textBytes ?? Number.POSITIVE_INFINITY;
      const isOver = open.weight + weight > MAX_TEXT_BYTES || open.slices.length === MAX_TEXTS;
      if (!open.isUncounted || isOver) close();
      open.isUncounted = true;
      open.slices.push({ file: index, rowStart: 0, rowEnd: null });
      open.weight += weight;
      open.bytes += file.size;
      return;
    }
    if (open.isUncounted) close();
    let row = 0;
    for (const group of file.rowGroups) {
      const end = row + group.rows;
      const isOver = open.rows + group.rows > target.rows || open.weight + group.uncompressedBytes > target.bytes;
      const isFull = open.slices.length === MAX_SLICES && open.slices.at(-1)?.file !== index && group.rows > 0;
      if (open.rows > 0 && (isOver || isFull)) close();
      if (group.rows > 0) {
        extend(open.slices, index, row, end);
        open.rows += group.rows;
        open.weight += group.uncompressedBytes;
        open.bytes += group.compressedBytes;
      }
      row = end;
    }
  });
  close();
  return chunks;
}

interface OpenChunk {
  slices: Slice[];
  rows: number;
  weight: number;
  bytes: number;
  isUncounted: boolean;
}

/** Heaviest first, so that the last chunk to finish is a small one; ties in input order. */
export function longestFirst(chunks: readonly PlannedChunk[]): PlannedChunk[] {
  return [...chunks].sort((a, b) => b.bytes - a.bytes || a.n - b.n);
}

function extend(slices: Slice[], file: number, rowStart: number, rowEnd: number): void {
  const last = slices.at(-1);
  if (last?.file === file && last.rowEnd === rowStart) slices[slices.length - 1] = { ...last, rowEnd };
  else slices.push({ file, rowStart, rowEnd });
}
