import { isUtf8 } from 'node:buffer';
import type { DecodedColumn } from '../arrow-values/arrow-column.ts';
import { asciiText, BATCH_ROWS, type ColumnReader, FixedReader, skipBlanks, trimBlanks } from './column-reader.ts';

/** Texts, as views into the bytes that they were read from: those must stay until the batch is written. */
export class TextReader implements ColumnReader {
  readonly keepsEmpty = true;
  readonly json = { number: false, text: true, flag: false } as const;
  readonly says = 'a text';
  private readonly validity = new Uint8Array(BATCH_ROWS / 8);
  private readonly starts = new Int32Array(BATCH_ROWS);
  private readonly ends = new Int32Array(BATCH_ROWS);
  private readonly buffers: Uint8Array[] = [];

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    this.buffers[row] = bytes;
    this.starts[row] = from;
    this.ends[row] = to;
    this.validity[row >> 3] = this.validity[row >> 3]! | (1 << (row & 7));
    return true;
  }

  setNull(row: number): void {
    this.starts[row] = 0;
    this.ends[row] = 0;
    this.validity[row >> 3] = this.validity[row >> 3]! & ~(1 << (row & 7));
  }

  /** Makes a row null whose text is not UTF-8; false when it was. */
  requireUtf8(row: number): boolean {
    if (this.ends[row]! <= this.starts[row]! || isUtf8(this.at(row))) return true;
    this.setNull(row);
    return false;
  }

  column(rows: number): DecodedColumn {
    return { kind: 'bytes', rows, validity: this.validity, at: (row) => this.at(row) };
  }

  bytes(rows: number): number {
    let total = rows * 16;
    for (let row = 0; row < rows; row++) total += this.ends[row]! - this.starts[row]!;
    return total;
  }

  private at(row: number): Uint8Array {
    return this.buffers[row]!.subarray(this.starts[row]!, this.ends[row]!);
  }
}

const WORDS: ReadonlyMap<string, number> = new Map([
  ...['true', 't', '1', 'yes', 'y'].map((word): [string, number] => [word, 1]),
  ...['false', 'f', '0', 'no', 'n'].map((word): [string, number] => [word, 0]),
]);

/** Flags. Where the type was guessed, `true` and `false` alone, in any case. */
export class BooleanReader extends FixedReader<Uint8Array<ArrayBuffer>> {
  readonly json = { number: false, text: false, flag: true } as const;
  readonly says = 'true or false';
  private readonly isDeclared: boolean;

  constructor(isDeclared: boolean) {
    super(new Uint8Array(BATCH_ROWS));
    this.isDeclared = isDeclared;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = skipBlanks(bytes, from, to);
    const stop = trimBlanks(bytes, start, to);
    if (stop - start > 5) return false;
    const word = asciiText(bytes, start, stop).toLowerCase();
    const value = this.isDeclared || word.length > 3 ? WORDS.get(word) : undefined;
    if (value === undefined) return false;
    this.values[row] = value;
    this.setValid(row);
    return true;
  }
}
