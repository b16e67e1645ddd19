import type { ValueColumn } from '../../base/contract/prediction-set.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { textBytes } from '../../data/duckdb/text-bytes.ts';
import type { VectorBatch } from '../../data/duckdb/vector-batch.ts';
import { crc32Of } from '../prediction-set/crc32.ts';
import { MAX_KEY_BYTES } from '../prediction-set/page.ts';
import { varintSize, writeVarint } from '../prediction-set/varint.ts';
import type { RowSpool } from './row-spool.ts';
import { nullTest, type ValueSource, valueSource } from './value-source.ts';

/** Turns batches of key bytes (column 0) and values (the others) into rows of pages, in a spool. */
export class RowEncoder {
  /** Rows that have no key: they cannot be looked up. */
  withoutKey = 0;
  /** Bytes that all keys so far begin with: pages leave them out. */
  prefixBytes = -1;
  private firstKey = new Uint8Array(0);
  private readonly spool: RowSpool;
  private readonly columns: readonly ValueColumn[];
  private readonly nullBytes: number;

  private readonly hasOrigins: boolean;

  constructor(spool: RowSpool, columns: readonly ValueColumn[], hasNulls: boolean, hasOrigins: boolean) {
    this.spool = spool;
    this.hasOrigins = hasOrigins;
    this.columns = columns;
    this.nullBytes = hasNulls ? (columns.length + 7) >> 3 : 0;
  }

  /** Errors: KEY_INVALID for a key over 1,024 bytes; INTERNAL for a null where none can be. */
  encode(batch: VectorBatch, origin: number, where: string): void {
    const keyView = batch.column(0);
    const noKey = nullTest(keyView);
    const { bytes, offsets } = textBytes(keyView, noKey);
    const values = this.columns.map((column, i) => valueSource(column, batch.column(i + 1)));
    const { nullBytes, spool } = this;
    const originBytes = this.hasOrigins ? varintSize(origin) : 0;
    for (let row = 0; row < batch.rows; row++) {
      if (noKey(row)) {
        this.withoutKey++;
        continue;
      }
      const from = offsets[row]!;
      const to = offsets[row + 1]!;
      const length = to - from;
      if (length > MAX_KEY_BYTES) throw keyTooLong(length, where);
      this.narrowPrefix(bytes, from, length);
      const size = varintSize(length) + length + originBytes + nullBytes + this.valueSizes(values, row, where);
      spool.reserve(crc32Of(bytes, from, to), size, varintSize(size));
      const { target } = spool;
      let at = writeVarint(target, spool.at, length);
      for (let i = from; i < to; i++) target[at++] = bytes[i]!;
      if (originBytes > 0) at = writeVarint(target, at, origin);
      this.writeValues(values, row, target, at);
    }
  }

  private narrowPrefix(bytes: Uint8Array, from: number, length: number): void {
    if (this.prefixBytes < 0) {
      this.firstKey = bytes.slice(from, from + length);
      this.prefixBytes = length;
    }
    const most = Math.min(this.prefixBytes, length);
    let same = 0;
    while (same < most && bytes[from + same] === this.firstKey[same]) same++;
    this.prefixBytes = same;
  }

  private valueSizes(values: readonly ValueSource[], row: number, where: string): number {
    let size = 0;
    for (let i = 0; i < values.length; i++) {
      const source = values[i]!;
      if (!source.isNull(row)) size += source.size(row);
      else if (this.nullBytes === 0) {
        throw new PrescoreError('INTERNAL', { what: `column ${this.columns[i]!.name} holds a null`, where });
      }
    }
    return size;
  }

  private writeValues(values: readonly ValueSource[], row: number, target: Uint8Array, start: number): void {
    let at = start + this.nullBytes;
    target.fill(0, start, at);
    for (let i = 0; i < values.length; i++) {
      const source = values[i]!;
      if (this.nullBytes > 0 && source.isNull(row)) target[start + (i >> 3)]! |= 1 << (i & 7);
      else at = source.write(row, target, at);
    }
  }
}

function keyTooLong(length: number, where: string): PrescoreError {
  return new PrescoreError('KEY_INVALID', {
    what: 'a key is too long',
    where,
    expected: `at most ${MAX_KEY_BYTES} bytes`,
    got: `${length} bytes`,
  });
}
