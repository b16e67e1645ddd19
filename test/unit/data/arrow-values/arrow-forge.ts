/**
 * Writes Arrow streams and files by hand, so that tests can put any wrong value into any place. Not a writer to learn
 * from: every field of a table takes 8 bytes, and nothing is checked.
 */

/** A value of a FlatBuffers table. */
export type Slot =
  | { readonly u8: number }
  | { readonly i16: number }
  | { readonly i32: number }
  | { readonly i64: bigint }
  | { readonly text: string | Uint8Array }
  | { readonly table: Table }
  | { readonly tables: readonly Table[] }
  /** Structs or scalars of `size` bytes each. */
  | { readonly structs: Uint8Array; readonly size: number };

export type Table = Readonly<Record<number, Slot>>;

/** A field: name, type number and type table of the format, children, dictionary. */
export function field(name: string | Uint8Array, typeId: number, type: Table = {}, more: Table = {}): Table {
  return { 0: { text: name }, 1: { u8: 1 }, 2: { u8: typeId }, 3: { table: type }, ...more };
}

export const INT32 = (name: string): Table => field(name, 2, { 0: { i32: 32 }, 1: { u8: 1 } });
export const UTF8 = (name: string): Table => field(name, 5);

export interface ForgedBatch {
  readonly rows: number | bigint;
  readonly nodes: readonly (readonly [number | bigint, number | bigint])[];
  readonly buffers: readonly Uint8Array[];
  /** Offsets and lengths of the buffers, where they should not be the true ones. */
  readonly ranges?: readonly (readonly [number | bigint, number | bigint])[];
  readonly codec?: number;
  readonly views?: readonly number[];
  /** Makes it a dictionary batch. */
  readonly dictionary?: { readonly id: bigint; readonly isDelta?: boolean };
}

export const SCHEMA = 1;
export const VERSION_5 = 4;

export function schemaTable(fields: readonly Table[], endianness = 0): Table {
  return { 0: { i16: endianness }, 1: { tables: fields } };
}

/** Prefix, metadata padded to 8 bytes, and body. */
export function message(kind: number, header: Table, body = new Uint8Array(0), version = VERSION_5): Uint8Array {
  const metadata = flatbuffer({
    0: { i16: version },
    1: { u8: kind },
    2: { table: header },
    3: { i64: BigInt(body.length) },
  });
  const prefix = Buffer.alloc(8);
  prefix.writeInt32LE(-1, 0);
  prefix.writeInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata, body]);
}

export function schemaMessage(fields: readonly Table[]): Uint8Array {
  return message(SCHEMA, schemaTable(fields));
}

export function batchMessage(batch: ForgedBatch): Uint8Array {
  const padded = batch.buffers.map((bytes) => pad(bytes));
  let offset = 0;
  const ranges = batch.buffers.map((bytes, i) => {
    const range: [number, number] = [offset, bytes.length];
    offset += padded[i]?.length ?? 0;
    return range;
  });
  const header: Table = {
    0: { i64: BigInt(batch.rows) },
    1: { structs: pairs(batch.nodes), size: 16 },
    2: { structs: pairs(batch.ranges ?? ranges), size: 16 },
    ...(batch.codec === undefined ? {} : { 3: { table: { 0: { u8: batch.codec } } } }),
    ...(batch.views === undefined ? {} : { 4: { structs: int64s(...batch.views), size: 8 } }),
  };
  const body = Buffer.concat(padded);
  if (batch.dictionary === undefined) return message(3, header, body);
  const { id, isDelta = false } = batch.dictionary;
  return message(2, { 0: { i64: id }, 1: { table: header }, 2: { u8: isDelta ? 1 : 0 } }, body);
}

export const END = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

export function stream(fields: readonly Table[], batches: readonly ForgedBatch[], end = END): Uint8Array {
  return Buffer.concat([schemaMessage(fields), ...batches.map(batchMessage), end]);
}

/** A stream of a single column: a good batch, then the one given. */
export function afterGood(column: Table, good: ForgedBatch, bad: ForgedBatch): Uint8Array {
  return stream([column], [good, bad]);
}

/** Where a message lies, as the footer says it. */
export type Block = readonly [offset: number | bigint, metadataBytes: number, bodyBytes: number | bigint];

export interface FileChanges {
  /** Rewrites the true blocks of dictionaries and record batches. */
  readonly dictionaries?: (blocks: Block[]) => readonly Block[];
  readonly batches?: (blocks: Block[]) => readonly Block[];
  /** Fields of the footer, where they should not be those at the start. */
  readonly footerFields?: readonly Table[];
  /** What stands in front of the first block, instead of magic and schema message. */
  readonly head?: Uint8Array;
}

export const MAGIC = Buffer.from('ARROW1\0\0');

export function file(fields: readonly Table[], batches: readonly ForgedBatch[], changes: FileChanges = {}): Uint8Array {
  const parts: Uint8Array[] = [changes.head ?? Buffer.concat([MAGIC, schemaMessage(fields)])];
  let offset = parts.reduce((sum, part) => sum + part.length, 0);
  const blocks: { readonly isDictionary: boolean; readonly block: Block }[] = [];
  for (const batch of batches) {
    const bytes = batchMessage(batch);
    const metadataBytes = 8 + Buffer.from(bytes).readInt32LE(4);
    blocks.push({
      isDictionary: batch.dictionary !== undefined,
      block: [offset, metadataBytes, bytes.length - metadataBytes],
    });
    parts.push(bytes);
    offset += bytes.length;
  }
  const dictionaries = blocks.filter((b) => b.isDictionary).map((b) => b.block);
  const records = blocks.filter((b) => !b.isDictionary).map((b) => b.block);
  const footer = flatbuffer({
    0: { i16: VERSION_5 },
    1: { table: schemaTable(changes.footerFields ?? fields) },
    2: { structs: blockBytes(changes.dictionaries?.(dictionaries) ?? dictionaries), size: 24 },
    3: { structs: blockBytes(changes.batches?.(records) ?? records), size: 24 },
  });
  const length = Buffer.alloc(4);
  length.writeInt32LE(footer.length);
  return Buffer.concat([...parts, END, footer, length, Buffer.from('ARROW1')]);
}

export function int32s(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

export function int64s(...values: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

function pairs(values: readonly (readonly [number | bigint, number | bigint])[]): Uint8Array {
  return int64s(...values.flat());
}

function blockBytes(blocks: readonly Block[]): Uint8Array {
  const bytes = Buffer.alloc(blocks.length * 24);
  blocks.forEach(([offset, metadataBytes, bodyBytes], i) => {
    bytes.writeBigInt64LE(BigInt(offset), i * 24);
    bytes.writeInt32LE(metadataBytes, i * 24 + 8);
    bytes.writeBigInt64LE(BigInt(bodyBytes), i * 24 + 16);
  });
  return bytes;
}

function pad(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
  padded.set(bytes);
  return padded;
}

/** Tables in pre-order, each vtable right in front of its table; vectors and children behind. */
export function flatbuffer(root: Table): Uint8Array {
  const out = new Forge();
  const at = out.grow(8);
  const table = out.table(root);
  out.view.setUint32(at, table, true);
  return out.bytes();
}

class Forge {
  view = new DataView(new ArrayBuffer(4096));
  private length = 0;

  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, 0, this.length);
  }

  grow(bytes: number): number {
    const at = this.length;
    this.length += Math.ceil(bytes / 8) * 8;
    if (this.length > this.view.byteLength) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(new Uint8Array(this.view.buffer));
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  table(table: Table): number {
    const slots = Object.entries(table).map(([slot, value]) => [Number(slot), value] as const);
    const count = Math.max(-1, ...slots.map(([slot]) => slot)) + 1;
    const vtable = this.grow(4 + count * 2);
    const at = this.grow(8 + count * 8);
    this.view.setUint16(vtable, 4 + count * 2, true);
    this.view.setUint16(vtable + 2, 8 + count * 8, true);
    this.view.setInt32(at, at - vtable, true);
    for (const [slot, value] of slots) {
      this.view.setUint16(vtable + 4 + slot * 2, 8 + slot * 8, true);
      this.slot(at + 8 + slot * 8, value);
    }
    return at;
  }

  private slot(at: number, value: Slot): void {
    if ('u8' in value) this.view.setUint8(at, value.u8);
    else if ('i16' in value) this.view.setInt16(at, value.i16, true);
    else if ('i32' in value) this.view.setInt32(at, value.i32, true);
    else if ('i64' in value) this.view.setBigInt64(at, value.i64, true);
    else if ('table' in value) this.point(at, this.table(value.table));
    else if ('tables' in value) this.point(at, this.tables(value.tables));
    else if ('text' in value)
      this.point(at, this.vector(typeof value.text === 'string' ? Buffer.from(value.text) : value.text, 1));
    else this.point(at, this.vector(value.structs, value.size));
  }

  private point(at: number, to: number): void {
    this.view.setUint32(at, to - at, true);
  }

  // The count stands 4 bytes in front of the values, which are aligned to 8.
  private vector(bytes: Uint8Array, size: number): number {
    const at = this.grow(8 + bytes.length) + 4;
    this.view.setUint32(at, bytes.length / size, true);
    new Uint8Array(this.view.buffer).set(bytes, at + 4);
    return at;
  }

  private tables(tables: readonly Table[]): number {
    const at = this.vector(new Uint8Array(tables.length * 4), 4);
    tables.forEach((table, i) => {
      const entry = at + 4 + i * 4;
      this.point(entry, this.table(table));
    });
    return at;
  }
}
