import type { DecodedColumn } from '../arrow-values/arrow-column.ts';

/** Rows of a batch: what DuckDB takes at a time. */
export const BATCH_ROWS = 2048;

/** What a type takes of JSON, beside null. */
export interface JsonForms {
  readonly number: boolean;
  readonly text: boolean;
  readonly flag: boolean;
  /** Left out: no. */
  readonly list?: boolean;
}

/**
 * Takes the texts of one column of one batch and gives them as values of the column's type. Owns: its arrays, which the next
 * batch overwrites.
 */
export interface ColumnReader {
  /** Reads the value that stands between two positions. False when it is none of the type; the row is null then. */
  read(row: number, bytes: Uint8Array, from: number, to: number): boolean;
  /** Called at first for every row: null until `read` gives it a value. */
  setNull(row: number): void;
  /** An empty text is a value, and not null. */
  readonly keepsEmpty: boolean;
  readonly json: JsonForms;
  /** "a whole number from -128 to 127": what was expected. */
  readonly says: string;
  /** The first `rows` rows. */
  column(rows: number): DecodedColumn;
  /** Bytes that those rows take. */
  bytes(rows: number): number;
}

export const NUMBERS: JsonForms = { number: true, text: false, flag: false };

/** A reader of values of fixed width: what it has read, and which rows are null. */
export abstract class FixedReader<T extends FixedArray> implements ColumnReader {
  readonly keepsEmpty = false;
  abstract readonly json: JsonForms;
  abstract readonly says: string;
  protected readonly values: T;
  private readonly validity = new Uint8Array(BATCH_ROWS / 8);

  constructor(values: T) {
    this.values = values;
  }

  abstract read(row: number, bytes: Uint8Array, from: number, to: number): boolean;

  setNull(row: number): void {
    this.validity[row >> 3] = this.validity[row >> 3]! & ~(1 << (row & 7));
  }

  protected setValid(row: number): void {
    this.validity[row >> 3] = this.validity[row >> 3]! | (1 << (row & 7));
  }

  column(rows: number): DecodedColumn {
    const { buffer, byteOffset, byteLength } = this.values;
    const width = byteLength / BATCH_ROWS;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return { kind: 'fixed', rows, validity: this.validity, width, bytes };
  }

  bytes(rows: number): number {
    return rows * (this.values.byteLength / BATCH_ROWS);
  }
}

export type FixedArray =
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

const SPACE = 0x20;
const TAB = 0x09;

/** Position of the first byte that is no blank. */
export function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  return at;
}

/** Position behind the last byte that is no blank. */
export function trimBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (at > from && (bytes[at - 1] === SPACE || bytes[at - 1] === TAB)) at--;
  return at;
}

/** Bytes of ASCII as a text. */
export function asciiText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
