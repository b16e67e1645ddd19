import { WIRE } from './thrift-compact.ts';

const encoder = new TextEncoder();

/** Writes Thrift's compact protocol, and bytes as they are, into memory that grows. */
export class ThriftWriter {
  length = 0;
  private bytes = new Uint8Array(1024);
  private before = 0;

  /** Begins a struct: in another one it is a field, which is begun before it; gives what `end` needs. */
  begin(): number {
    const { before } = this;
    this.before = 0;
    return before;
  }

  end(before: number): void {
    this.byte(0);
    this.before = before;
  }

  /** The head of a field; ids within a struct rise, by less than 16. */
  field(id: number, wire: number): void {
    this.byte(((id - this.before) << 4) | wire);
    this.before = id;
  }

  i32(id: number, value: number): void {
    this.field(id, WIRE.i32);
    this.varint(2 * value);
  }

  i64(id: number, value: number): void {
    this.field(id, WIRE.i64);
    this.varint(2 * value);
  }

  text(id: number, value: string): void {
    this.field(id, WIRE.binary);
    this.textValue(value);
  }

  textValue(value: string): void {
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** The head of a list. `element`: the wire type of its elements. */
  list(size: number, element: number): void {
    if (size < 15) this.byte((size << 4) | element);
    else {
      this.byte(0xf0 | element);
      this.varint(size);
    }
  }

  /** A number that is not below 0, exact up to 2^53; of a whole number twice as much. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    this.byte(rest);
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  /** What was written. Owns: a view, until more is written. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.length + more, 2 * this.bytes.length));
    larger.set(this.written());
    this.bytes = larger;
  }
}
