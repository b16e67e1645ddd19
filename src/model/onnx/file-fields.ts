import { readSync } from 'node:fs';

const WINDOW = 64 * 1024;
/** A tag and a length. */
const LONGEST_HEAD = 20;

/**
 * Walks the fields of a protobuf message that lies in a file, and reads only those that are asked for. As `ProtoCursor` does, it refuses what
 * other readers would read as another field.
 *
 * Errors: RangeError on a message that does not parse; those of the file system. Owns: the file stays the caller's.
 */
export class FileFields {
  number = 0;
  wire = 0;
  /** Bytes of a value that is length-delimited. */
  size = 0;
  /** The value of a varint. */
  varintValue = 0;
  private readonly file: number;
  private readonly limit: number;
  private at: number;
  /** Where the field and its value begin. */
  private head = 0;
  private value = 0;
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;

  constructor(file: number, from: number, to: number) {
    this.file = file;
    this.at = from;
    this.limit = to;
  }

  next(): boolean {
    if (this.at >= this.limit) return false;
    this.head = this.at;
    const tag = this.varint();
    if (tag > 0xffffffff) throw new RangeError('field number of more than 29 bits');
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.number === 0) throw new RangeError('field number 0');
    let size = 0;
    if (this.wire === 0) this.varintValue = this.varint();
    else if (this.wire === 2) size = this.varint();
    else if (this.wire === 1 || this.wire === 5) size = this.wire === 1 ? 8 : 4;
    else throw new RangeError(`wire type ${this.wire}`);
    if (size > this.limit - this.at) throw new RangeError('value is longer than its message');
    this.value = this.at;
    this.size = size;
    this.at += size;
    return true;
  }

  /** The field as it is in the file, tag and length included. */
  slice(): Uint8Array {
    const bytes = new Uint8Array(this.at - this.head);
    this.read(bytes, this.head);
    return bytes;
  }

  /** The fields of the value. */
  inner(): FileFields {
    return new FileFields(this.file, this.value, this.value + this.size);
  }

  private varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.byteAt(this.at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError('number of more than ten bytes');
  }

  private byteAt(at: number): number {
    if (at >= this.limit) throw new RangeError('message ends inside a number');
    const place = at - this.windowAt;
    if (place >= 0 && place < this.window.length) return this.window[place]!;
    // Small messages are read at once, and of large ones the next values are likely to be skipped.
    const window = new Uint8Array(Math.min(this.limit - at, Math.max(LONGEST_HEAD, WINDOW)));
    this.read(window, at);
    this.window = window;
    this.windowAt = at;
    return window[0]!;
  }

  private read(into: Uint8Array, from: number): void {
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.file, into, done, Math.min(into.length - done, 2 ** 30), from + done);
      if (count === 0) throw new RangeError('the file became shorter while it was read');
      done += count;
    }
  }
}
