import duckdb from '@duckdb/node-bindings';
import type { VectorView } from './vector-batch.ts';

/** Texts or blobs of one vector: row i is bytes [offsets[i], offsets[i + 1]). Rows that are null have no bytes. */
export interface TextBytes {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
}

const INLINE = 12;
/** Both ends of a shorter gap lie in pages that are mapped, and it spans no third page. */
const SAFE_GAP = 4096;

/**
 * Copies the bytes of all texts of a vector at once. DuckDB keeps texts of more than 12 bytes elsewhere, mostly one behind the
 * other: such runs are read with one call, where a JS string for each text would cost 2 us.
 *
 * Owns: the caller. Errors: none.
 */
export function textBytes(view: VectorView, isNull: (row: number) => boolean): TextBytes {
  const words = view.stringWords();
  const { rows } = view;
  const offsets = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + (isNull(row) ? 0 : words[row * 4]!);
  const bytes = new Uint8Array(offsets[rows]!);
  const inline = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  let run: Uint8Array = inline;
  let runStart = 0;
  let runEnd = 0;
  for (let row = 0; row < rows; row++) {
    const to = offsets[row]!;
    const length = offsets[row + 1]! - to;
    if (length === 0) continue;
    if (length <= INLINE) {
      const from = row * 16 + 4;
      for (let i = 0; i < length; i++) bytes[to + i] = inline[from + i]!;
      continue;
    }
    const start = pointer(words, row);
    if (start < runStart || start + length > runEnd) {
      runStart = start;
      runEnd = endOfRun(words, offsets, row, rows);
      run = memoryAt(runStart, runEnd - runStart);
    }
    const from = start - runStart;
    if (length > 64) bytes.set(run.subarray(from, from + length), to);
    else for (let i = 0; i < length; i++) bytes[to + i] = run[from + i]!;
  }
  return { bytes, offsets };
}

// 48 bits of address: exact in a double.
function pointer(words: Uint32Array, row: number): number {
  return words[row * 4 + 3]! * 2 ** 32 + words[row * 4 + 2]!;
}

function endOfRun(words: Uint32Array, offsets: Int32Array, first: number, rows: number): number {
  let end = pointer(words, first) + offsets[first + 1]! - offsets[first]!;
  for (let row = first + 1; row < rows; row++) {
    const length = offsets[row + 1]! - offsets[row]!;
    if (length <= INLINE) continue;
    const start = pointer(words, row);
    if (start < end || start - end >= SAFE_GAP) break;
    end = start + length;
  }
  return end;
}

function memoryAt(address: number, length: number): Uint8Array {
  const holder = new DataView(new ArrayBuffer(8));
  holder.setUint32(0, address % 2 ** 32, true);
  holder.setUint32(4, Math.floor(address / 2 ** 32), true);
  return duckdb.get_data_from_pointer(holder.buffer, 0, length);
}
