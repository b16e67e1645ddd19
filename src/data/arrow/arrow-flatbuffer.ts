import type { Damage } from './arrow-fault.ts';
import { ARROW_LIMITS } from './arrow-limits.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A vector of fixed-size structs: `count` entries of the size asked for, the first one at byte `start` of `view`. */
export interface StructVector {
  readonly view: DataView;
  readonly start: number;
  readonly count: number;
}

/**
 * One table of a FlatBuffers message. Every position is checked against the buffer before it is read, so damaged or
 * hostile metadata ends in the caller's `damage` error, never in values read from elsewhere. Slots are the field numbers
 * of the schema; an absent field gives the default. Owns: the caller owns the bytes; strings are copies.
 */
export class FlatTable {
  private readonly view: DataView;
  private readonly position: number;
  private readonly damage: Damage;
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;

  private constructor(view: DataView, position: number, damage: Damage) {
    this.view = view;
    this.position = position;
    this.damage = damage;
    this.need(position, 4);
    this.vtable = position - view.getInt32(position, true);
    this.need(this.vtable, 4);
    this.vtableBytes = view.getUint16(this.vtable, true);
    this.tableBytes = view.getUint16(this.vtable + 2, true);
    if (this.vtableBytes < 4 || this.tableBytes < 4) throw damage('the metadata holds a damaged table');
    this.need(this.vtable, this.vtableBytes);
    this.need(position, this.tableBytes);
  }

  /** The table that the message starts with. */
  static root(bytes: Uint8Array, damage: Damage): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.byteLength < 8) throw damage('the metadata is too short');
    return new FlatTable(view, view.getUint32(0, true), damage);
  }

  bool(slot: number): boolean {
    return this.uint8(slot, 0) !== 0;
  }

  uint8(slot: number, byDefault: number): number {
    const at = this.field(slot, 1);
    return at === 0 ? byDefault : this.view.getUint8(at);
  }

  int8(slot: number, byDefault: number): number {
    const at = this.field(slot, 1);
    return at === 0 ? byDefault : this.view.getInt8(at);
  }

  int16(slot: number, byDefault: number): number {
    const at = this.field(slot, 2);
    return at === 0 ? byDefault : this.view.getInt16(at, true);
  }

  int32(slot: number, byDefault: number): number {
    const at = this.field(slot, 4);
    return at === 0 ? byDefault : this.view.getInt32(at, true);
  }

  /** A 64-bit field exactly; 0 when absent. */
  int64(slot: number): bigint {
    const at = this.field(slot, 8);
    return at === 0 ? 0n : this.view.getBigInt64(at, true);
  }

  /** A 64-bit count or length: an integer from 0 to 2^53 - 1. */
  size(slot: number): number {
    const value = this.int64(slot);
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.damage('a length in the metadata is out of range');
    return Number(value);
  }

  /** A string, or null when it is absent. */
  text(slot: number): string | null {
    const at = this.field(slot, 4);
    if (at === 0) return null;
    const { start, count } = this.vectorAt(at, 1);
    if (count > ARROW_LIMITS.nameBytes) throw this.damage(`a name in the metadata has ${count} bytes`);
    try {
      return utf8.decode(new Uint8Array(this.view.buffer, this.view.byteOffset + start, count));
    } catch {
      throw this.damage('a name in the metadata is not valid UTF-8');
    }
  }

  table(slot: number): FlatTable | null {
    const at = this.field(slot, 4);
    return at === 0 ? null : new FlatTable(this.view, at + this.view.getUint32(at, true), this.damage);
  }

  /** A vector of tables; more than `most` is damage. */
  tables(slot: number, most: number): FlatTable[] {
    const at = this.field(slot, 4);
    if (at === 0) return [];
    const { start, count } = this.vectorAt(at, 4);
    if (count > most) throw this.damage(`the metadata lists ${count} entries where at most ${most} are accepted`);
    return Array.from({ length: count }, (_, i) => {
      const entry = start + i * 4;
      return new FlatTable(this.view, entry + this.view.getUint32(entry, true), this.damage);
    });
  }

  /** A vector of structs or scalars of `bytes` each; empty when absent. */
  structs(slot: number, bytes: number): StructVector {
    const at = this.field(slot, 4);
    return at === 0 ? { view: this.view, start: 0, count: 0 } : this.vectorAt(at, bytes);
  }

  /** Byte position of a field, or 0 when the table does not hold it. */
  private field(slot: number, bytes: number): number {
    const entry = 4 + slot * 2;
    if (entry + 2 > this.vtableBytes) return 0;
    const offset = this.view.getUint16(this.vtable + entry, true);
    if (offset === 0) return 0;
    if (offset < 4 || offset + bytes > this.tableBytes) throw this.damage('the metadata holds a damaged table');
    return this.position + offset;
  }

  private vectorAt(at: number, bytes: number): StructVector {
    const vector = at + this.view.getUint32(at, true);
    this.need(vector, 4);
    const count = this.view.getUint32(vector, true);
    this.need(vector + 4, count * bytes);
    return { view: this.view, start: vector + 4, count };
  }

  private need(position: number, bytes: number): void {
    if (position < 0 || position + bytes > this.view.byteLength) {
      throw this.damage('the metadata points outside itself');
    }
  }
}
