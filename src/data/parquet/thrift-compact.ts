/** Wire types of Thrift's compact protocol. A boolean field is its wire type; it has no bytes. */
export const WIRE = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

/** Fields that a struct must have, each of its wire type: other readers take one of another type for one that is not there. */
export interface RequiredFields {
  /** By field id: its wire type; 0 for fields that may be missing. */
  readonly wires: Uint8Array;
  /** A bit for each that is required. */
  readonly mask: number;
}

/** Field ids (below 32) and their wire types; `true` stands for a boolean of either value. */
export function requiredFields(fields: Readonly<Record<number, number>>): RequiredFields {
  const wires = new Uint8Array(32);
  let mask = 0;
  for (const [id, wire] of Object.entries(fields)) {
    wires[Number(id)] = wire;
    mask |= 1 << Number(id);
  }
  return { wires, mask };
}

/** The bit of a field among those that are required; 0 for any other. */
export function requiredBit({ wires }: RequiredFields, id: number, wire: number): number {
  if (id >= 32) return 0;
  const wanted = wires[id];
  return wanted === wire || (wanted === WIRE.true && wire === WIRE.false) ? 1 << id : 0;
}

/** Errors: RangeError where a bit is not among those that were seen. */
export function checkRequired({ mask }: RequiredFields, seen: number): void {
  if (seen !== mask) throw new RangeError('a required field is missing');
}

const MAX_DEPTH = 32;
const decoder = new TextDecoder();

/**
 * Reads Thrift's compact protocol, in which Parquet keeps its footer and page headers. Whatever the bytes are, it ends:
 * nothing is allocated for what a length claims.
 *
 * Errors: RangeError when the bytes end early or are no such data.
 */
export class ThriftReader {
  at: number;
  /** The field that is read now: where its head lies, and how far its id is from the one before (0: written out). */
  headAt = 0;
  idStep = 0;
  /** Of the field that `next` went to. */
  wire = 0;
  private readonly bytes: Uint8Array;
  private depth = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Reads a struct; `onField` must read or skip the field's value. Errors: RangeError for a required field that is not there. */
  struct(onField: (id: number, wire: number) => void, required: RequiredFields | null = null): void {
    if (++this.depth > MAX_DEPTH) throw new RangeError('nested too deeply');
    let id = 0;
    let seen = 0;
    for (;;) {
      const headAt = this.at;
      const head = this.byte();
      if (head === 0) break;
      const step = head >> 4;
      id = step === 0 ? this.zigzag() : id + step;
      this.headAt = headAt;
      this.idStep = step;
      const wire = head & 15;
      if (required !== null) seen |= requiredBit(required, id, wire);
      onField(id, wire);
    }
    if (required !== null) checkRequired(required, seen);
    this.depth--;
  }

  /** Goes to the next field of a struct: its id, or 0 at the end, and `wire`. `before`: the id of the last one, 0 at the start. */
  next(before: number): number {
    const head = this.byte();
    if (head === 0) return 0;
    this.wire = head & 15;
    const step = head >> 4;
    const id = step === 0 ? this.zigzag() : before + step;
    if (id <= 0) throw new RangeError(`a field has the id ${id}`);
    return id;
  }

  /** The number of elements of a list; the caller must read or skip each. */
  listSize(wire: number, element: number): number {
    if (wire !== WIRE.list) throw new RangeError(`a list was expected, not type ${wire}`);
    const head = this.listHead();
    if (head.size > 0 && head.element !== element) throw new RangeError(`a list has elements of type ${head.element}`);
    return head.size;
  }

  /** A whole number; exact up to 2^53, beyond it only as a double. */
  int(wire: number): number {
    if (wire < WIRE.i16 || wire > WIRE.i64) throw new RangeError(`a whole number was expected, not type ${wire}`);
    return this.zigzag();
  }

  bool(wire: number): boolean {
    if (wire > WIRE.false) throw new RangeError(`a boolean was expected, not type ${wire}`);
    return wire === WIRE.true;
  }

  text(wire: number): string {
    if (wire !== WIRE.binary) throw new RangeError(`a text was expected, not type ${wire}`);
    const size = this.varint();
    this.move(size);
    return decoder.decode(this.bytes.subarray(this.at - size, this.at));
  }

  /** Passes over a list of structs that have these fields; over anything else as `skip` does. */
  skipStructs(wire: number, required: RequiredFields): void {
    if (wire !== WIRE.list) {
      this.skip(wire);
      return;
    }
    const count = this.listSize(wire, WIRE.struct);
    for (let i = 0; i < count; i++) this.struct((_, inner) => this.skip(inner), required);
  }

  skip(wire: number): void {
    if (wire === WIRE.byte) this.move(1);
    else if (wire >= WIRE.i16 && wire <= WIRE.i64) this.varint();
    else if (wire === WIRE.double) this.move(8);
    else if (wire === WIRE.binary) this.move(this.varint());
    else if (wire === WIRE.list || wire === WIRE.set) this.skipList();
    else if (wire === WIRE.map) this.skipMap();
    else if (wire === WIRE.struct) this.skipStruct();
    else if (wire !== WIRE.true && wire !== WIRE.false) throw new RangeError(`type ${wire} is not known`);
  }

  private skipStruct(): void {
    if (++this.depth > MAX_DEPTH) throw new RangeError('nested too deeply');
    for (let id = this.next(0); id !== 0; id = this.next(id)) this.skip(this.wire);
    this.depth--;
  }

  private skipList(): void {
    const { size, element } = this.listHead();
    if (++this.depth > MAX_DEPTH) throw new RangeError('nested too deeply');
    // In a list a boolean has a byte of its own.
    if (element <= WIRE.byte) this.move(size);
    else for (let i = 0; i < size; i++) this.skip(element);
    this.depth--;
  }

  private skipMap(): void {
    const size = this.varint();
    if (size === 0) return;
    this.expect(size);
    const kinds = this.byte();
    for (let i = 0; i < size; i++) {
      for (const wire of [kinds >> 4, kinds & 15]) this.skip(wire <= WIRE.false ? WIRE.byte : wire);
    }
  }

  private listHead(): { readonly size: number; readonly element: number } {
    const head = this.byte();
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    // An element has at least one byte.
    this.expect(size);
    if (size > 0 && (head & 15) === 0) throw new RangeError('a list has elements of no type');
    return { size, element: head & 15 };
  }

  private expect(count: number): void {
    if (count > this.bytes.length - this.at) throw new RangeError('ends too early');
  }

  private move(count: number): void {
    this.expect(count);
    this.at += count;
  }

  private byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('ends too early');
    return value;
  }

  private varint(): number {
    let value = this.byte();
    if (value < 128) return value;
    value &= 127;
    let scale = 128;
    for (let i = 1; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new RangeError('a number is too long');
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
