import type { ArrowPlace } from '../arrow/arrow-fault.ts';
import type { FieldNode } from '../arrow/arrow-message.ts';
import type { ArrowBody } from './arrow-body.ts';

/** One bit a row, lowest bit first, 1 for a value; null when no row is null. DuckDB lays its masks out in the same way. */
export type Validity = Uint8Array | null;

export function isValid(validity: Validity, row: number): boolean {
  return validity === null || (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

/**
 * Reads the validity buffer of a column and compares it with the null count of the header.
 *
 * Errors: INPUT_CORRUPT when they differ; those of `ArrowBody.buffer`.
 */
export function readValidity(body: ArrowBody, buffer: number, node: FieldNode, place: ArrowPlace): Validity {
  if (body.stored(buffer) === 0) {
    if (node.nullCount === 0) return null;
    throw place.fault('INPUT_CORRUPT', `${node.nullCount} rows should be null, but there is no validity buffer`);
  }
  const bits = body.buffer(buffer, Math.ceil(node.rows / 8), place);
  const nulls = node.rows - countBits(bits, node.rows);
  if (nulls !== node.nullCount) {
    throw place.fault('INPUT_CORRUPT', 'the null count of a column is wrong', {
      expected: `${nulls}`,
      got: `${node.nullCount}`,
    });
  }
  return nulls === 0 ? null : bits;
}

/** Both must hold. */
export function andValidity(a: Validity, b: Validity): Validity {
  if (a === null || b === null) return a ?? b;
  return a.map((byte, i) => byte & (b[i] ?? 0));
}

/** `count` bits from bit `first`, moved to the start of whole 64-bit words, as DuckDB wants them. All ones for null. */
export function sliceValidity(validity: Validity, first: number, count: number): Uint8Array<ArrayBuffer> {
  const words = new Uint8Array(Math.ceil(count / 64) * 8);
  if (validity === null) return words.fill(0xff);
  const bytes = Math.ceil(count / 8);
  const start = first >> 3;
  const shift = first & 7;
  if (shift === 0) {
    words.set(validity.subarray(start, start + bytes));
    return words;
  }
  for (let i = 0; i < bytes; i++) {
    words[i] = ((validity[start + i] ?? 0) >> shift) | ((validity[start + i + 1] ?? 0) << (8 - shift));
  }
  return words;
}

/** Set bits among the first `count`. */
export function countBits(bits: Uint8Array, count: number): number {
  let total = 0;
  const whole = count >> 3;
  for (let i = 0; i < whole; i++) total += ONES[bits[i] ?? 0] ?? 0;
  const rest = count & 7;
  return rest === 0 ? total : total + (ONES[(bits[whole] ?? 0) & ((1 << rest) - 1)] ?? 0);
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
});
