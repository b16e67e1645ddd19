import type { ArrowType } from '../arrow/arrow-schema.ts';
import type { FixedRows } from './arrow-column.ts';
import { isValid } from './arrow-validity.ts';

type DecimalType = Extract<ArrowType, { kind: 'decimal' }>;

/** Bytes of a value in DuckDB, which stores a decimal as the smallest integer that holds its digits. */
export function decimalWidth({ precision, scale }: DecimalType): 2 | 4 | 8 | 16 {
  const digits = Math.max(precision, scale);
  if (digits <= 4) return 2;
  if (digits <= 9) return 4;
  return digits <= 18 ? 8 : 16;
}

/**
 * Decimals of any Arrow width as DuckDB's integers. A value with more digits than the type says is refused: DuckDB would
 * show it as another number.
 *
 * Errors: INPUT_CORRUPT naming the row.
 */
export function decimalBytes(
  type: DecimalType,
  bytes: Uint8Array<ArrayBuffer>,
  rows: FixedRows,
): Uint8Array<ArrayBuffer> {
  const width = decimalWidth(type);
  const limit = 10n ** BigInt(type.precision);
  const target = new Uint8Array(rows.count * width);
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const view = new DataView(target.buffer);
  for (let i = 0; i < rows.count; i++) {
    if (!isValid(rows.validity, i)) continue;
    const value = readInteger(source, (i * type.bits) / 8, type.bits);
    if (value <= -limit || value >= limit) {
      throw rows.fault('INPUT_CORRUPT', `a decimal has more than its ${type.precision} digits`, i);
    }
    writeInteger(view, i * width, width, value);
  }
  return target;
}

/** A little-endian integer in two's complement. */
function readInteger(view: DataView, at: number, bits: number): bigint {
  if (bits === 32) return BigInt(view.getInt32(at, true));
  const top = bits / 64 - 1;
  let value = view.getBigInt64(at + top * 8, true);
  const isShort = top === 1 && value === view.getBigInt64(at, true) >> 63n;
  // Most 128-bit decimals fit 64 bits: no wide arithmetic for them.
  if (isShort) return view.getBigInt64(at, true);
  for (let word = top - 1; word >= 0; word--) value = (value << 64n) | view.getBigUint64(at + word * 8, true);
  return value;
}

function writeInteger(view: DataView, at: number, width: 2 | 4 | 8 | 16, value: bigint): void {
  if (width === 2) view.setInt16(at, Number(value), true);
  else if (width === 4) view.setInt32(at, Number(value), true);
  else view.setBigInt64(at, value, true);
  if (width === 16) view.setBigInt64(at + 8, value >> 64n, true);
}
