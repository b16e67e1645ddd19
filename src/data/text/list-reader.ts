import type { DecodedColumn } from '../arrow-values/arrow-column.ts';
import { BATCH_ROWS, type ColumnReader } from './column-reader.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_LIST = 0x5d;
const NULL = 0x6e;
const TRUE = 0x74;
const FALSE = 0x66;
const FIRST_ELEMENTS = 1024;

/** What an element of a list is, and where it stands. False ends the walk. */
type OnElement = (kind: 'null' | 'flag' | 'number', from: number, to: number) => boolean;

/**
 * Walks through a list that is known to be JSON. False when it holds anything but numbers, flags and nulls, or `onElement` says so.
 */
export function walkList(bytes: Uint8Array, from: number, to: number, onElement: OnElement): boolean {
  let at = passBlanks(bytes, from + 1, to);
  if (bytes[at] === CLOSE_LIST) return true;
  for (;;) {
    const start = passBlanks(bytes, at, to);
    const first = bytes[start]!;
    if (first === QUOTE || first === OPEN_LIST || first === OPEN_OBJECT) return false;
    at = start;
    while (bytes[at] !== COMMA && bytes[at] !== CLOSE_LIST && !isBlank(bytes[at]!)) at++;
    const kind = first === NULL ? 'null' : first === TRUE || first === FALSE ? 'flag' : 'number';
    if (!onElement(kind, start, at)) return false;
    at = passBlanks(bytes, at, to);
    if (bytes[at] === CLOSE_LIST) return true;
    at++;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

function passBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(bytes[at]!)) at++;
  return at;
}

/** Lists of JSON, whose elements are read by the reader of their type: what it refuses makes the whole list a bad value. */
export class ListReader implements ColumnReader {
  readonly keepsEmpty = false;
  readonly json = { number: false, text: false, flag: false, list: true } as const;
  readonly says: string;
  private readonly element: ColumnReader;
  /** Bytes of an element. */
  private readonly width: number;
  private readonly validity = new Uint8Array(BATCH_ROWS / 8);
  private readonly starts = new Int32Array(BATCH_ROWS + 1);
  private elements = 0;
  private values: Uint8Array<ArrayBuffer>;
  private valid = new Uint8Array(FIRST_ELEMENTS / 8);

  constructor(element: ColumnReader) {
    this.element = element;
    const column = element.column(1);
    this.width = column.kind === 'fixed' ? column.width : 0;
    this.values = new Uint8Array(FIRST_ELEMENTS * this.width);
    this.says = `a list, each element ${element.says}`;
  }

  setNull(row: number): void {
    if (row === 0) this.elements = 0;
    this.validity[row >> 3] = this.validity[row >> 3]! & ~(1 << (row & 7));
    this.starts[row] = this.elements;
    this.starts[row + 1] = this.elements;
  }

  read(row: number, bytes: Uint8Array, from: number, to: number): boolean {
    const first = this.elements;
    if (!walkList(bytes, from, to, (kind, start, end) => this.add(kind, bytes, start, end))) {
      this.elements = first;
      return false;
    }
    this.starts[row + 1] = this.elements;
    this.validity[row >> 3] = this.validity[row >> 3]! | (1 << (row & 7));
    return true;
  }

  private add(kind: 'null' | 'flag' | 'number', bytes: Uint8Array, from: number, to: number): boolean {
    const at = this.elements;
    if ((at + 1) * this.width > this.values.length) this.grow();
    const isNull = kind === 'null';
    if (!isNull) {
      if (!this.element.json[kind] || !this.element.read(0, bytes, from, to)) return false;
      const column = this.element.column(1);
      if (column.kind === 'fixed') this.values.set(column.bytes.subarray(0, this.width), at * this.width);
    }
    const bit = 1 << (at & 7);
    this.valid[at >> 3] = isNull ? this.valid[at >> 3]! & ~bit : this.valid[at >> 3]! | bit;
    this.elements++;
    return true;
  }

  private grow(): void {
    const values = new Uint8Array(this.values.length * 2);
    values.set(this.values);
    this.values = values;
    const valid = new Uint8Array(this.valid.length * 2);
    valid.set(this.valid);
    this.valid = valid;
  }

  column(rows: number): DecodedColumn {
    const { starts, validity, elements, width, values, valid } = this;
    const child: DecodedColumn = { kind: 'fixed', rows: elements, validity: valid, width, bytes: values };
    return { kind: 'list', rows, validity, start: (row) => starts[row]!, child };
  }

  bytes(rows: number): number {
    return rows * 16 + this.elements * this.width;
  }
}
