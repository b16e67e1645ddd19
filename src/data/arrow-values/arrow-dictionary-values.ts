import type { DecodedColumn } from './arrow-column.ts';
import { isValid } from './arrow-validity.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * The values of one dictionary: its first batch and the deltas behind it. Values are only ever added, so that columns
 * decoded before a delta stay right. Owns: the memory of its parts.
 */
export class DictionaryValues {
  private readonly parts: DecodedColumn[] = [];
  private readonly starts: number[] = [];
  private count = 0;
  private memory = 0;

  get rows(): number {
    return this.count;
  }

  /** Bytes that the parts hold. */
  get held(): number {
    return this.memory;
  }

  add(part: DecodedColumn, held: number): void {
    this.starts.push(this.count);
    this.parts.push(part);
    this.count += part.rows;
    this.memory += held;
  }

  /** False for a null in the dictionary. Code in 0 to rows - 1. */
  isValid(code: number): boolean {
    const index = this.partOf(code);
    const part = this.parts[index];
    return part !== undefined && part.kind !== 'null' && isValid(part.validity, code - (this.starts[index] ?? 0));
  }

  /** The bytes of a value in DuckDB's layout, as a view. Code in 0 to rows - 1. */
  at(code: number): Uint8Array {
    const index = this.partOf(code);
    const part = this.parts[index];
    const row = code - (this.starts[index] ?? 0);
    if (part?.kind === 'fixed') return part.bytes.subarray(row * part.width, (row + 1) * part.width);
    return part?.kind === 'bytes' ? part.at(row) : NO_BYTES;
  }

  private partOf(code: number): number {
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
