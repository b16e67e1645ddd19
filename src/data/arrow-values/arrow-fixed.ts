import type { ArrowType, TimeUnit } from '../arrow/arrow-schema.ts';
import type { FixedRows } from './arrow-column.ts';
import { decimalBytes, decimalWidth } from './arrow-decimal.ts';
import { isValid } from './arrow-validity.ts';

/** How values of fixed width are stored on both sides. */
export interface FixedLayout {
  /** Bits of a value in the Arrow buffer. */
  readonly arrowBits: number;
  /** Bytes of a value in DuckDB. */
  readonly width: number;
  /** True when `toDuckdb` answers with new memory. */
  readonly isCopied: boolean;
  readonly toDuckdb: (bytes: Uint8Array<ArrayBuffer>, rows: FixedRows) => Uint8Array<ArrayBuffer>;
}

const MICROS: Readonly<Record<TimeUnit, bigint>> = { s: 1_000_000n, ms: 1_000n, us: 1n, ns: 1n };
const DAY_MS = 86_400_000n;
// DuckDB's ranges; the values just outside stand for plus and minus infinity there.
const DATE_MAX = 2_147_483_646;
const MICROS_MIN = -9_223_372_022_400_000_000n;
const NANOS_MIN = -9_223_286_400_000_000_000n;
const INT64_MAX = 0x7fffffffffffffffn;

/** The layout of a type of fixed width; null for every other type. */
export function fixedLayout(type: ArrowType): FixedLayout | null {
  switch (type.kind) {
    case 'bool':
      return copied(1, 1, spreadBits);
    case 'int':
      return inPlace(type.bits);
    case 'float':
      return type.bits === 16 ? copied(16, 4, widenHalves) : inPlace(type.bits);
    case 'decimal':
      return copied(type.bits, decimalWidth(type), (bytes, rows) => decimalBytes(type, bytes, rows));
    case 'date':
      return type.unit === 'day' ? inPlace(32, checkDays) : copied(64, 4, daysOfMillis);
    case 'time':
      return copied(type.bits, 8, timeOfDay(type.unit));
    case 'timestamp':
      return inPlace(64, timestamp(type.unit, type.zone !== null && type.zone !== ''));
    case 'duration':
      return inPlace(64);
    default:
      return null;
  }
}

function inPlace(bits: number, toDuckdb: FixedLayout['toDuckdb'] = (bytes) => bytes): FixedLayout {
  return { arrowBits: bits, width: bits / 8, isCopied: false, toDuckdb };
}

function copied(bits: number, width: number, toDuckdb: FixedLayout['toDuckdb']): FixedLayout {
  return { arrowBits: bits, width, isCopied: true, toDuckdb };
}

function spreadBits(bytes: Uint8Array, { count }: FixedRows): Uint8Array<ArrayBuffer> {
  const spread = new Uint8Array(count);
  for (let i = 0; i < count; i++) spread[i] = ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1;
  return spread;
}

function widenHalves(bytes: Uint8Array<ArrayBuffer>, { count }: FixedRows): Uint8Array<ArrayBuffer> {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  const singles = new Uint32Array(count);
  for (let i = 0; i < count; i++) singles[i] = singleOfHalf(halves[i] ?? 0);
  return new Uint8Array(singles.buffer);
}

/** Bits of the float32 that equals a float16, NaN payload and sign of zero included. */
function singleOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal half is a normal single: shift the leading one into place.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

function checkDays(bytes: Uint8Array<ArrayBuffer>, rows: FixedRows): Uint8Array<ArrayBuffer> {
  const days = new Int32Array(bytes.buffer, bytes.byteOffset, rows.count);
  for (let i = 0; i < rows.count; i++) {
    const isOutside = Math.abs(days[i] ?? 0) > DATE_MAX;
    if (isOutside && isValid(rows.validity, i))
      throw rows.fault('INPUT_UNSUPPORTED', 'a date is outside the range of DuckDB', i);
  }
  return bytes;
}

function daysOfMillis(bytes: Uint8Array<ArrayBuffer>, rows: FixedRows): Uint8Array<ArrayBuffer> {
  const millis = new BigInt64Array(bytes.buffer, bytes.byteOffset, rows.count);
  const days = new Int32Array(rows.count);
  for (let i = 0; i < rows.count; i++) {
    if (!isValid(rows.validity, i)) continue;
    const value = millis[i] ?? 0n;
    if (value % DAY_MS !== 0n) throw rows.fault('INPUT_CORRUPT', 'a date of milliseconds is not a whole day', i);
    const day = Number(value / DAY_MS);
    if (Math.abs(day) > DATE_MAX) throw rows.fault('INPUT_UNSUPPORTED', 'a date is outside the range of DuckDB', i);
    days[i] = day;
  }
  return new Uint8Array(days.buffer);
}

function timeOfDay(unit: TimeUnit): FixedLayout['toDuckdb'] {
  const factor = MICROS[unit];
  const end = unit === 'ns' ? 86_400_000_000_000n : 86_400_000_000n / factor;
  return (bytes, rows) => {
    const values = signedValues(bytes, unit === 's' || unit === 'ms' ? 32 : 64, rows.count);
    const result = new BigInt64Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      if (!isValid(rows.validity, i)) continue;
      const value = BigInt(values[i] ?? 0);
      if (value < 0n || value >= end) throw rows.fault('INPUT_CORRUPT', 'a time of day is outside the day', i);
      result[i] = value * factor;
    }
    return new Uint8Array(result.buffer);
  };
}

function timestamp(unit: TimeUnit, isZoned: boolean): FixedLayout['toDuckdb'] {
  const staysNanos = unit === 'ns' && !isZoned;
  const factor = MICROS[unit];
  const min = (staysNanos ? NANOS_MIN : MICROS_MIN) / factor;
  const max = (INT64_MAX - 1n) / factor;
  return (bytes, rows) => {
    const values = new BigInt64Array(bytes.buffer, bytes.byteOffset, rows.count);
    for (let i = 0; i < rows.count; i++) {
      const value = values[i] ?? 0n;
      if (unit === 'ns' && isZoned) {
        // Towards 1970, as DuckDB does with those of Parquet.
        values[i] = value / 1000n;
      } else if (value >= min && value <= max) {
        if (factor !== 1n) values[i] = value * factor;
      } else if (isValid(rows.validity, i)) {
        throw rows.fault('INPUT_UNSUPPORTED', 'a timestamp is outside the range of DuckDB', i);
      }
    }
    return bytes;
  };
}

function signedValues(bytes: Uint8Array<ArrayBuffer>, bits: 32 | 64, count: number): Int32Array | BigInt64Array {
  return bits === 32
    ? new Int32Array(bytes.buffer, bytes.byteOffset, count)
    : new BigInt64Array(bytes.buffer, bytes.byteOffset, count);
}
