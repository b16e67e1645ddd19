import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { ArrowBody } from './arrow-body.ts';

/**
 * The `rows + 1` offsets of texts or lists: never negative, never descending. 64-bit offsets come as exact doubles.
 *
 * Errors: INPUT_CORRUPT naming the row whose offset is wrong; those of `ArrowBody.buffer`.
 */
export function readOffsets(
  body: ArrowBody,
  buffer: number,
  rows: number,
  large: boolean,
  place: ArrowPlace,
): Int32Array | Float64Array {
  // An empty column may come without offsets.
  if (rows === 0) return new Int32Array(1);
  const bytes = body.buffer(buffer, (rows + 1) * (large ? 8 : 4), place);
  const offsets = large
    ? Float64Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, rows + 1), Number)
    : new Int32Array(bytes.buffer, bytes.byteOffset, rows + 1);
  let before = 0;
  for (let row = 0; row <= rows; row++) {
    const offset = offsets[row] ?? 0;
    if (offset < before) {
      const what = offset < 0 ? 'an offset is negative' : 'the offsets descend';
      throw place.fault('INPUT_CORRUPT', what, { row: Math.max(0, row - 1) });
    }
    before = offset;
  }
  if (before > Number.MAX_SAFE_INTEGER)
    throw place.fault('INPUT_CORRUPT', 'an offset is out of range', { row: rows - 1 });
  return offsets;
}
