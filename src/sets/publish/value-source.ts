import type { ScalarType, ValueColumn } from '../../base/contract/prediction-set.ts';
import { type TextBytes, textBytes } from '../../data/duckdb/text-bytes.ts';
import type { VectorView } from '../../data/duckdb/vector-batch.ts';
import { varint64Size, writeVarint64 } from '../prediction-set/integers.ts';
import { elementOf, SIGNED, UNSIGNED, WIDTHS } from '../prediction-set/value-types.ts';
import { varintSize, writeVarint } from '../prediction-set/varint.ts';

/** The values of one column of a batch, as bytes of the page format. */
export interface ValueSource {
  isNull(row: number): boolean;
  /** Bytes of a value that is not null. */
  size(row: number): number;
  /** Writes it and returns the position after it. */
  write(row: number, out: Uint8Array, at: number): number;
}

/** Owns: nothing; the source ends with its batch. */
export function valueSource(column: ValueColumn, view: VectorView): ValueSource {
  const element = elementOf(column.type);
  if (element !== null) return new ListSource(view, element);
  return scalarSource(view, column.type as ScalarType);
}

function scalarSource(view: VectorView, type: ScalarType): ValueSource {
  if (type === 'string') return new TextSource(view);
  if (SIGNED.has(type) || UNSIGNED.has(type)) return new IntegerSource(view, WIDTHS[type], SIGNED.has(type));
  return new FixedSource(view, WIDTHS[type]);
}

/** Tells which rows are null. */
export function nullTest(view: VectorView): (row: number) => boolean {
  const valid = view.validity();
  return valid === null ? () => false : (row) => ((valid[row >> 3]! >> (row & 7)) & 1) === 0;
}

class FixedSource implements ValueSource {
  readonly isNull: (row: number) => boolean;
  private readonly width: number;
  private readonly data: Uint8Array;

  constructor(view: VectorView, width: number) {
    this.isNull = nullTest(view);
    this.width = width;
    this.data = view.bytes(width);
  }

  size(): number {
    return this.width;
  }

  write(row: number, out: Uint8Array, at: number): number {
    const { width, data } = this;
    const from = row * width;
    for (let i = 0; i < width; i++) out[at + i] = data[from + i]!;
    return at + width;
  }
}

class IntegerSource implements ValueSource {
  readonly isNull: (row: number) => boolean;
  private readonly width: number;
  private readonly isSigned: boolean;
  private readonly view: DataView;
  private low = 0;
  private high = 0;

  constructor(view: VectorView, width: number, isSigned: boolean) {
    this.isNull = nullTest(view);
    this.width = width;
    this.isSigned = isSigned;
    const bytes = view.bytes(width);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  size(row: number): number {
    this.load(row);
    return varint64Size(this.low, this.high);
  }

  write(row: number, out: Uint8Array, at: number): number {
    this.load(row);
    return writeVarint64(out, at, this.low, this.high);
  }

  // The unsigned 64 bits that are written, as two halves.
  private load(row: number): void {
    const { view, width, isSigned } = this;
    const at = row * width;
    let low: number;
    let high: number;
    if (width === 2) low = isSigned ? view.getInt16(at, true) : view.getUint16(at, true);
    else low = isSigned ? view.getInt32(at, true) : view.getUint32(at, true);
    if (width === 8) high = view.getInt32(at + 4, true);
    else high = isSigned && low < 0 ? -1 : 0;
    if (isSigned) {
      const sign = high >> 31;
      high = ((high << 1) | (low >>> 31)) ^ sign;
      low = (low << 1) ^ sign;
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
  }
}

class TextSource implements ValueSource {
  readonly isNull: (row: number) => boolean;
  private readonly text: TextBytes;

  constructor(view: VectorView) {
    this.isNull = nullTest(view);
    this.text = textBytes(view, this.isNull);
  }

  size(row: number): number {
    const length = this.text.offsets[row + 1]! - this.text.offsets[row]!;
    return varintSize(length) + length;
  }

  write(row: number, out: Uint8Array, at: number): number {
    const { bytes, offsets } = this.text;
    const from = offsets[row]!;
    const to = offsets[row + 1]!;
    const start = writeVarint(out, at, to - from);
    for (let i = from; i < to; i++) out[start + i - from] = bytes[i]!;
    return start + to - from;
  }
}

// (count * 2 + has nulls) as a varint, the null bits if any, then the elements that are not null.
class ListSource implements ValueSource {
  readonly isNull: (row: number) => boolean;
  private readonly entries: Uint32Array;
  private readonly items: ValueSource;

  constructor(view: VectorView, element: ScalarType) {
    this.isNull = nullTest(view);
    const { entries, child } = view.list();
    this.entries = entries;
    this.items = scalarSource(child, element);
  }

  size(row: number): number {
    const { from, count, nulls } = this.shape(row);
    let size = varintSize(count * 2 + 1) + (nulls > 0 ? (count + 7) >> 3 : 0);
    for (let i = from; i < from + count; i++) if (!this.items.isNull(i)) size += this.items.size(i);
    return size;
  }

  write(row: number, out: Uint8Array, start: number): number {
    const { from, count, nulls } = this.shape(row);
    let at = writeVarint(out, start, count * 2 + (nulls > 0 ? 1 : 0));
    if (nulls > 0) {
      const bits = at;
      at += (count + 7) >> 3;
      out.fill(0, bits, at);
      for (let i = 0; i < count; i++) if (this.items.isNull(from + i)) out[bits + (i >> 3)]! |= 1 << (i & 7);
    }
    for (let i = from; i < from + count; i++) if (!this.items.isNull(i)) at = this.items.write(i, out, at);
    return at;
  }

  private shape(row: number): { readonly from: number; readonly count: number; readonly nulls: number } {
    const from = this.entries[row * 4]!;
    const count = this.entries[row * 4 + 2]!;
    let nulls = 0;
    for (let i = from; i < from + count; i++) if (this.items.isNull(i)) nulls++;
    return { from, count, nulls };
  }
}
