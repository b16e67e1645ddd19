import type { RefuseModel } from './refuse-model.ts';

/** A FlatBuffers message: every read is checked against its end. Errors of all: MODEL_INVALID with the offset. */
export class FlatBuffer {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly refuse: RefuseModel;

  constructor(bytes: Uint8Array, refuse: RefuseModel) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.refuse = refuse;
  }

  get root(): FlatTable {
    return new FlatTable(this, this.offset(0));
  }

  /** Where what an offset at `at` points to begins. */
  offset(at: number): number {
    return this.checked(at + this.u32(at), 4);
  }

  u8(at: number): number {
    return this.view.getUint8(this.checked(at, 1));
  }

  u16(at: number): number {
    return this.view.getUint16(this.checked(at, 2), true);
  }

  u32(at: number): number {
    return this.view.getUint32(this.checked(at, 4), true);
  }

  i32(at: number): number {
    return this.view.getInt32(this.checked(at, 4), true);
  }

  f32(at: number): number {
    return this.view.getFloat32(this.checked(at, 4), true);
  }

  f64(at: number): number {
    return this.view.getFloat64(this.checked(at, 8), true);
  }

  slice(at: number, length: number): Uint8Array {
    return this.bytes.subarray(this.checked(at, length), at + length);
  }

  private checked(at: number, size: number): number {
    if (!(at >= 0 && at + size <= this.bytes.length)) this.refuse('the file points behind its end', `offset ${at}`);
    return at;
  }
}

/** A table: its fields by their numbers in the schema. */
export class FlatTable {
  private readonly buffer: FlatBuffer;
  private readonly at: number;

  constructor(buffer: FlatBuffer, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  int(field: number, missing: number): number {
    const at = this.field(field);
    return at === null ? missing : this.buffer.i32(at);
  }

  byte(field: number, missing: number): number {
    const at = this.field(field);
    return at === null ? missing : this.buffer.u8(at);
  }

  double(field: number, missing: number): number {
    const at = this.field(field);
    return at === null ? missing : this.buffer.f64(at);
  }

  text(field: number): string {
    const at = this.field(field);
    if (at === null) return '';
    const start = this.buffer.offset(at);
    return new TextDecoder().decode(this.buffer.slice(start + 4, this.buffer.u32(start)));
  }

  table(field: number): FlatTable | null {
    const at = this.field(field);
    return at === null ? null : new FlatTable(this.buffer, this.buffer.offset(at));
  }

  tables(field: number): FlatTable[] {
    return this.vector(field, 4, (at) => new FlatTable(this.buffer, this.buffer.offset(at)));
  }

  ints(field: number): number[] {
    return this.vector(field, 4, (at) => this.buffer.i32(at));
  }

  floats(field: number): number[] {
    return this.vector(field, 4, (at) => this.buffer.f32(at));
  }

  doubles(field: number): number[] {
    return this.vector(field, 8, (at) => this.buffer.f64(at));
  }

  /** Pairs of uint16. */
  pairs(field: number): (readonly [number, number])[] {
    return this.vector(field, 4, (at) => [this.buffer.u16(at), this.buffer.u16(at + 2)] as const);
  }

  private vector<T>(field: number, size: number, read: (at: number) => T): T[] {
    const at = this.field(field);
    if (at === null) return [];
    const start = this.buffer.offset(at);
    const count = this.buffer.u32(start);
    this.buffer.slice(start + 4, count * size);
    return Array.from({ length: count }, (_, i) => read(start + 4 + i * size));
  }

  private field(field: number): number | null {
    const fields = this.at - this.buffer.i32(this.at);
    const place = 4 + 2 * field;
    if (place + 2 > this.buffer.u16(fields)) return null;
    const offset = this.buffer.u16(fields + place);
    return offset === 0 ? null : this.at + offset;
  }
}
