import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ArrowPlace, Damage } from './arrow-fault.ts';
import type { FlatTable } from './arrow-flatbuffer.ts';
import { ARROW_LIMITS } from './arrow-limits.ts';

export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

/** Arrow's logical types, as the schema message spells them. */
export type ArrowType =
  | { readonly kind: 'null' | 'bool' | 'interval' | 'struct' | 'map' | 'run-end-encoded' }
  | { readonly kind: 'int'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: number }
  | { readonly kind: 'decimal'; readonly bits: number; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date'; readonly unit: 'day' | 'ms' }
  | { readonly kind: 'time'; readonly unit: TimeUnit; readonly bits: number }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly zone: string | null }
  | { readonly kind: 'duration'; readonly unit: TimeUnit }
  /** `large` types have 64-bit offsets. */
  | { readonly kind: 'utf8' | 'binary' | 'list' | 'list-view'; readonly large: boolean }
  | { readonly kind: 'utf8-view' | 'binary-view' }
  /** Bytes of a value, or values of a list. */
  | { readonly kind: 'fixed-binary' | 'fixed-list'; readonly size: number }
  | { readonly kind: 'union'; readonly dense: boolean };

export interface ArrowField {
  readonly name: string;
  readonly nullable: boolean;
  /** Of a dictionary-encoded field: the type of the values. */
  readonly type: ArrowType;
  readonly children: readonly ArrowField[];
  readonly dictionary: ArrowDictionary | null;
}

export interface ArrowDictionary {
  readonly id: bigint;
  readonly bits: number;
  readonly signed: boolean;
}

const UNITS: readonly TimeUnit[] = ['s', 'ms', 'us', 'ns'];

/**
 * The top-level fields of a Schema table.
 *
 * Errors: INPUT_UNSUPPORTED for big-endian data or a type that this version does not know, `damage` for anything else.
 */
export function decodeSchema(table: FlatTable, place: ArrowPlace, damage: Damage): ArrowField[] {
  if (table.int16(0, 0) !== 0) {
    throw place.fault('INPUT_UNSUPPORTED', 'the file holds big-endian data', { expected: 'little-endian Arrow data' });
  }
  const decoder = new FieldDecoder(place, damage);
  return decoder.fields(table, 1, 0);
}

class FieldDecoder {
  private readonly place: ArrowPlace;
  private readonly damage: Damage;
  private count = 0;
  private nameLength = 0;

  constructor(place: ArrowPlace, damage: Damage) {
    this.place = place;
    this.damage = damage;
  }

  fields(parent: FlatTable, slot: number, depth: number): ArrowField[] {
    const tables = parent.tables(slot, ARROW_LIMITS.fields);
    // Counted over the whole schema: offsets can make one child the child of many.
    this.count += tables.length;
    if (this.count > ARROW_LIMITS.fields) throw this.damage(`the schema has more than ${ARROW_LIMITS.fields} fields`);
    if (depth > ARROW_LIMITS.depth) throw this.damage(`the schema is nested deeper than ${ARROW_LIMITS.depth} levels`);
    return tables.map((table) => this.field(table, depth));
  }

  private field(table: FlatTable, depth: number): ArrowField {
    const name = table.text(0) ?? '';
    this.nameLength += name.length;
    if (this.nameLength > ARROW_LIMITS.allNamesBytes) throw this.damage('the names in the schema are too long');
    const type = this.type(name, table.uint8(2, 0), table.table(3));
    const children = this.fields(table, 5, depth + 1);
    const most = CHILDREN[type.kind] ?? 0;
    if (most !== 'any' && children.length !== most) {
      throw this.damage(`a ${type.kind} field has ${children.length} children, not ${most}`);
    }
    if (type.kind === 'map' && children[0]?.children.length !== 2)
      throw this.damage('a map field has no key and value');
    return { name, nullable: table.bool(1), type, children, dictionary: this.dictionary(name, table.table(4)) };
  }

  private dictionary(name: string, table: FlatTable | null): ArrowDictionary | null {
    if (table === null) return null;
    if (table.int16(3, 0) !== 0) throw this.unsupported(name, 'a dictionary of a kind that is not known');
    const index = table.table(1);
    const bits = index === null ? 32 : index.int32(0, 0);
    if (![8, 16, 32, 64].includes(bits)) throw this.damage(`dictionary indices of ${bits} bits`);
    return { id: table.int64(0), bits, signed: index === null ? true : index.bool(1) };
  }

  private type(name: string, id: number, table: FlatTable | null): ArrowType {
    if (table === null) throw this.damage('a field has no type');
    switch (id) {
      case 1:
        return { kind: 'null' };
      case 2:
        return { kind: 'int', bits: this.oneOf(table.int32(0, 0), [8, 16, 32, 64]), signed: table.bool(1) };
      case 3:
        return { kind: 'float', bits: this.pick([16, 32, 64], table.int16(0, 0)) };
      case 4:
      case 19:
        return { kind: 'binary', large: id === 19 };
      case 5:
      case 20:
        return { kind: 'utf8', large: id === 20 };
      case 6:
        return { kind: 'bool' };
      case 7:
        return this.decimal(table);
      case 8:
        return { kind: 'date', unit: this.pick(['day', 'ms'] as const, table.int16(0, 1)) };
      case 9:
        return this.time(table);
      case 10:
        return { kind: 'timestamp', unit: this.pick(UNITS, table.int16(0, 0)), zone: table.text(1) };
      case 11:
        return { kind: 'interval' };
      case 12:
      case 21:
        return { kind: 'list', large: id === 21 };
      case 13:
        return { kind: 'struct' };
      case 14:
        return { kind: 'union', dense: this.pick([false, true], table.int16(0, 0)) };
      case 15:
        return { kind: 'fixed-binary', size: this.positive(table.int32(0, 0)) };
      case 16:
        return { kind: 'fixed-list', size: this.positive(table.int32(0, 0)) };
      case 17:
        return { kind: 'map' };
      case 18:
        return { kind: 'duration', unit: this.pick(UNITS, table.int16(0, 1)) };
      case 22:
        return { kind: 'run-end-encoded' };
      case 23:
        return { kind: 'binary-view' };
      case 24:
        return { kind: 'utf8-view' };
      case 25:
      case 26:
        return { kind: 'list-view', large: id === 26 };
      default:
        throw this.unsupported(name, `Arrow type number ${id}, which is not known`);
    }
  }

  private decimal(table: FlatTable): ArrowType {
    const bits = this.oneOf(table.int32(2, 128), [32, 64, 128, 256]);
    const precision = table.int32(0, 0);
    const scale = table.int32(1, 0);
    if (precision < 1 || precision > 76 || scale < -76 || scale > 76)
      throw this.damage('a decimal type is out of range');
    return { kind: 'decimal', bits, precision, scale };
  }

  private time(table: FlatTable): ArrowType {
    const unit = this.pick(UNITS, table.int16(0, 1));
    const bits = this.oneOf(table.int32(1, 32), [unit === 's' || unit === 'ms' ? 32 : 64]);
    return { kind: 'time', unit, bits };
  }

  private pick<T>(values: readonly T[], index: number): T {
    const value = values[index];
    if (value === undefined) throw this.damage('a type in the schema is out of range');
    return value;
  }

  private oneOf(value: number, allowed: readonly number[]): number {
    if (!allowed.includes(value)) throw this.damage(`a type in the schema has ${value} bits`);
    return value;
  }

  private positive(value: number): number {
    if (value < 0) throw this.damage('a type in the schema has a negative size');
    return value;
  }

  private unsupported(name: string, what: string): PrescoreError {
    return this.place.inColumn(name).fault('INPUT_UNSUPPORTED', `the schema uses ${what}`);
  }
}

const CHILDREN: Partial<Record<ArrowType['kind'], number | 'any'>> = {
  list: 1,
  'list-view': 1,
  'fixed-list': 1,
  map: 1,
  struct: 'any',
  union: 'any',
  'run-end-encoded': 2,
};
