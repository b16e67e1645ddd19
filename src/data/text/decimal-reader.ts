import { BATCH_ROWS, FixedReader, skipBlanks, trimBlanks } from './column-reader.ts';
import { NumberText } from './number-text.ts';

/** Digits beyond which a number is none of any decimal type; keeps powers of ten small. */
const MOST_DIGITS = 1000;

/** Decimals, exactly: digits that the scale does not hold refuse the value, unless they are zeros. */
export class DecimalReader extends FixedReader<
  Int16Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
> {
  readonly json;
  readonly says: string;
  private readonly longs: BigInt64Array;
  private readonly rowLongs: number;
  private readonly number: NumberText;
  private readonly limit: bigint;
  private readonly scale: number;

  constructor(width: number, scale: number, mark: number) {
    // DuckDB's own widths: 2, 4, 8 and 16 bytes.
    const rowLongs = width <= 9 ? 0 : width <= 18 ? 1 : 2;
    const values =
      width <= 4
        ? new Int16Array(BATCH_ROWS)
        : width <= 9
          ? new Int32Array(BATCH_ROWS)
          : new Float64Array(BATCH_ROWS * rowLongs);
    super(values);
    this.rowLongs = rowLongs;
    this.longs = rowLongs === 0 ? new BigInt64Array(0) : new BigInt64Array(values.buffer);
    this.number = new NumberText(mark);
    this.limit = 10n ** BigInt(width);
    this.scale = scale;
    this.json = { number: true, text: true, flag: false };
    this.says = `a number of ${width - scale} digits, and ${scale} behind the point`;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = skipBlanks(bytes, from, to);
    const stop = trimBlanks(bytes, start, to);
    if (stop - start > MOST_DIGITS || !this.number.parse(bytes, start, stop, true)) return false;
    const { whole, power } = this.number.exact(bytes);
    const shift = power + this.scale;
    if (Math.abs(shift) > MOST_DIGITS) return whole === 0n && this.put(row, 0n);
    if (shift >= 0) return this.put(row, whole * 10n ** BigInt(shift));
    const divisor = 10n ** BigInt(-shift);
    return whole % divisor === 0n && this.put(row, whole / divisor);
  }

  private put(row: number, value: bigint): boolean {
    if (value >= this.limit || value <= -this.limit) return false;
    if (this.rowLongs === 0) this.values[row] = Number(value);
    else this.longs[row * this.rowLongs] = BigInt.asIntN(64, value);
    if (this.rowLongs === 2) this.longs[row * 2 + 1] = value >> 64n;
    this.setValid(row);
    return true;
  }
}
