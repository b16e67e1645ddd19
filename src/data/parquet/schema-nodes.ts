import { REQUIRED } from './footer-fields.ts';
import { type ThriftReader, WIRE } from './thrift-compact.ts';

/** A node of the schema tree, in the order of the footer (parents before their children). */
export interface SchemaNode {
  readonly name: string;
  /** Physical type as Parquet numbers it, see `PHYSICAL`; null for groups. */
  readonly type: number | null;
  readonly isRequired: boolean;
  readonly isRepeated: boolean;
  readonly children: number;
  readonly logical: LogicalType;
  /** Digits of a decimal. */
  readonly precision: number;
  /**
   * Where the footer says that these bytes are text, and the byte that hides it: a field id no reader knows, as long as
   * the one before. Null when it is no text, or cannot be hidden.
   */
  readonly textByte: { readonly offset: number; readonly value: number } | null;
}

export interface LogicalType {
  /** Field id of the union, see `LOGICAL`; 0 when there is none. */
  readonly id: number;
  readonly isAdjustedToUtc: boolean;
  /** 1 milliseconds, 2 microseconds, 3 nanoseconds. */
  readonly unit: number;
  readonly precision: number;
}

/** Physical types that matter here. */
export const PHYSICAL = { int32: 1, int64: 2, int96: 3, float: 4, double: 5, byteArray: 6 } as const;

/** Logical types that matter here. */
export const LOGICAL = { string: 1, decimal: 5, time: 7, timestamp: 8, null: 11 } as const;

/** Field ids from here on mean nothing to any reader of Parquet's SchemaElement. */
const UNKNOWN_FIELD = 11;
const MOST_REMEMBERED = 1024 * 1024;
/** A schema and the bytes that it was read from. */
export interface ReadSchema {
  readonly nodes: readonly SchemaNode[];
  readonly bytes: Uint8Array;
  /** From the beginning of `bytes`: where the first node begins, where each other one does and, last, where the last one ends. */
  readonly nodesAt: readonly number[];
}

let last: (ReadSchema & { readonly at: number; readonly wire: number }) | null = null;

/**
 * Reads the nodes of a schema that begins at the reader's place in `bytes`. Files of a table come one after another: one whose bytes are those of
 * the last one in the same place is that one, the same object.
 */
export function readSchema(reader: ThriftReader, wire: number, bytes: Uint8Array): ReadSchema {
  const at = reader.at;
  if (last !== null && last.at === at && last.wire === wire) {
    const same = bytes.subarray(at, at + last.bytes.length);
    if (Buffer.compare(same, last.bytes) === 0) {
      reader.at = at + same.length;
      return last;
    }
  }
  const size = reader.listSize(wire, WIRE.struct);
  const nodesAt = [reader.at - at];
  const nodes: SchemaNode[] = [];
  for (; nodes.length < size; nodesAt.push(reader.at - at)) nodes.push(readNode(reader));
  const read = { nodes, bytes: bytes.slice(at, reader.at), nodesAt, at, wire };
  if (read.bytes.length <= MOST_REMEMBERED) last = read;
  return read;
}

function readNode(reader: ThriftReader): SchemaNode {
  const node = {
    name: '',
    type: null as number | null,
    repetition: 0,
    children: 0,
    converted: null as number | null,
    precision: 0,
  };
  const logical: LogicalType = { id: 0, isAdjustedToUtc: false, unit: 0, precision: 0 };
  let textByte: SchemaNode['textByte'] = null;
  reader.struct((id, wire) => {
    const { headAt, idStep } = reader;
    if (id === 1) node.type = reader.int(wire);
    else if (id === 3) node.repetition = reader.int(wire);
    else if (id === 4) node.name = reader.text(wire);
    else if (id === 5) node.children = reader.int(wire);
    else if (id === 6) node.converted = reader.int(wire);
    else if (id === 8) node.precision = reader.int(wire);
    else if (id === 10) readLogical(reader, wire, logical);
    else reader.skip(wire);
    const step = UNKNOWN_FIELD - id + idStep;
    if ((id === 6 || id === 10) && idStep > 0 && step < 16) textByte ??= { offset: headAt, value: (step << 4) | wire };
  }, REQUIRED.schemaNode);
  const { name, type, repetition, children, converted, precision } = node;
  const isText = type === PHYSICAL.byteArray && (converted === 0 || logical.id === LOGICAL.string);
  return {
    name,
    type,
    isRequired: repetition === 0,
    isRepeated: repetition === 2,
    children,
    logical,
    precision: Math.max(precision, logical.precision),
    textByte: isText ? textByte : null,
  };
}

function readLogical(
  reader: ThriftReader,
  wire: number,
  into: { -readonly [K in keyof LogicalType]: LogicalType[K] },
): void {
  if (wire !== WIRE.struct) throw new RangeError('a logical type is no struct');
  reader.struct((id, inner) => {
    into.id = id;
    if (inner !== WIRE.struct) return reader.skip(inner);
    const isTime = id === LOGICAL.time || id === LOGICAL.timestamp;
    reader.struct((field, kind) => {
      if (isTime && field === 1) into.isAdjustedToUtc = reader.bool(kind);
      else if (isTime && field === 2 && kind === WIRE.struct) {
        reader.struct((unit, empty) => {
          into.unit = unit;
          reader.skip(empty);
        });
      } else if (id === LOGICAL.decimal && field === 2) into.precision = reader.int(kind);
      else reader.skip(kind);
    }, REQUIRED.logical.get(id));
  });
}
