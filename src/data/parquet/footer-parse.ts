import { checkPages, checkSizes, encodingFault } from './footer-encodings.ts';
import { REQUIRED } from './footer-fields.ts';
import { PHYSICAL, type ReadSchema, readSchema, type SchemaNode } from './schema-nodes.ts';
import { checkRequired, requiredBit, ThriftReader, WIRE } from './thrift-compact.ts';

/** Row groups as columns of numbers; what belongs to a column chunk stands at [group * leaves + leaf]. */
export interface RowGroups {
  readonly count: number;
  readonly leaves: number;
  readonly rows: Float64Array;
  readonly dataOffset: Float64Array;
  /** 0 when there is no dictionary. */
  readonly dictionaryOffset: Float64Array;
  readonly length: Float64Array;
  readonly uncompressed: Float64Array;
  readonly values: Float64Array;
  readonly codec: Uint8Array;
  /** By leaf: 1 unless the statistics of every row group say that all its values are null. */
  readonly hasValues: Uint8Array;
  /** Where the list of groups lies in the footer's bytes: its head, its elements. */
  readonly list: { at: number; from: number };
  /** By group, in the footer's bytes: where it begins (and, last, where the last one ends), and where its number of rows lies. */
  readonly at: Float64Array;
  readonly rowsAt: Float64Array;
  readonly rowsEnd: Float64Array;
  /** Leaf -> why its chunks cannot be read: encrypted, in another file, in an encoding that DuckDB does not know. */
  readonly unreadable: Map<number, string>;
}

export interface RawFooter {
  readonly schema: ReadSchema;
  /** Where its bytes lie in those of the footer. */
  readonly schemaAt: number;
  readonly rows: number;
  /** Where `rows` lies in the footer's bytes. */
  readonly rowsAt: number;
  readonly rowsEnd: number;
  readonly groups: RowGroups;
  /** Why no column of the file can be read; null for none. */
  readonly unreadable: string | null;
}

const UNKNOWN_CODEC = 255;
const AES_GCM_V1 = 1;

/**
 * Reads what planning needs out of a footer and skips the rest: 100,000 column chunks take 5 MB, where a tree of objects
 * took 250 MB. `checkSize` is asked before anything is allocated for row groups.
 *
 * Errors: RangeError when the bytes are no footer; those of `checkSize`.
 */
export function parseFooter(bytes: Uint8Array, checkSize: (groups: number, chunks: number) => void): RawFooter {
  const reader = new ThriftReader(bytes);
  let schema: ReadSchema | null = null;
  let schemaAt = 0;
  let rows = -1;
  let [rowsAt, rowsEnd] = [0, 0];
  let groups: RowGroups | null = null;
  let unreadable: string | null = null;
  reader.struct((id, wire) => {
    if (id === 2) {
      schemaAt = reader.at;
      schema = readSchema(reader, wire, bytes);
    } else if (id === 3) {
      rowsAt = reader.at;
      rows = reader.int(wire);
      rowsEnd = reader.at;
    } else if (id === 4) groups = readGroups(reader, wire, (schema as ReadSchema | null)?.nodes ?? [], checkSize);
    else if (id === 5) reader.skipStructs(wire, REQUIRED.keyValue);
    else if (id === 8 && wire === WIRE.struct) {
      unreadable = 'it is encrypted by an algorithm that is not known';
      reader.struct((algorithm, inner) => {
        // Columns that are not encrypted are read.
        if (algorithm === AES_GCM_V1) unreadable = null;
        reader.skip(inner);
      });
    } else reader.skip(wire);
  }, REQUIRED.file);
  const read = schema as ReadSchema | null;
  if (read === null || read.nodes.length === 0 || groups === null)
    throw new RangeError('schema or row groups are missing');
  return { schema: read, schemaAt, rows, rowsAt, rowsEnd, groups, unreadable };
}

function readGroups(
  reader: ThriftReader,
  wire: number,
  schema: readonly SchemaNode[],
  checkSize: (groups: number, chunks: number) => void,
): RowGroups {
  const types = schema.slice(1).flatMap((node) => (node.type === null ? [] : [node.type]));
  const listAt = reader.at;
  const count = reader.listSize(wire, WIRE.struct);
  checkSize(count, count * types.length);
  // One piece of memory: of ten thousand small files, ten each were most of the work of the garbage collector.
  const all = new Float64Array(count * types.length * 5 + count * 4 + 1);
  let used = 0;
  const numbers = (size = count * types.length): Float64Array => {
    used += size;
    return all.subarray(used - size, used);
  };
  const groups: RowGroups = {
    count,
    leaves: types.length,
    rows: numbers(count),
    dataOffset: numbers(),
    dictionaryOffset: numbers(),
    length: numbers(),
    uncompressed: numbers(),
    values: numbers(),
    codec: new Uint8Array(count * types.length),
    hasValues: new Uint8Array(types.length),
    list: { at: listAt, from: reader.at },
    at: numbers(count + 1),
    rowsAt: numbers(count),
    rowsEnd: numbers(count),
    unreadable: new Map(),
  };
  for (let group = 0; group < count; group++) {
    groups.at[group] = reader.at;
    readGroup(reader, groups, group, types);
  }
  groups.at[count] = reader.at;
  return groups;
}

// Here and below the fields are gone through without a call for each: a footer may have a million of these structs.
function readGroup(reader: ThriftReader, groups: RowGroups, group: number, types: readonly number[]): void {
  let seen = 0;
  for (let id = reader.next(0); id !== 0; id = reader.next(id)) {
    const { wire } = reader;
    seen |= requiredBit(REQUIRED.group, id, wire);
    if (id === 3) {
      groups.rowsAt[group] = reader.at;
      groups.rows[group] = reader.int(wire);
      groups.rowsEnd[group] = reader.at;
    } else if (id === 1) {
      const chunks = reader.listSize(wire, WIRE.struct);
      if (chunks !== types.length)
        throw new RangeError(`row group ${group} has ${chunks} columns, not ${types.length}`);
      for (let leaf = 0; leaf < chunks; leaf++) readChunk(reader, groups, group, leaf, types[leaf]!);
    } else if (id === 4) reader.skipStructs(wire, REQUIRED.sorting);
    else reader.skip(wire);
  }
  checkRequired(REQUIRED.group, seen);
}

function readChunk(reader: ThriftReader, groups: RowGroups, group: number, leaf: number, type: number): void {
  const at = group * groups.leaves + leaf;
  let other: string | null = null;
  let nulls = -2;
  let seen = 0;
  for (let id = reader.next(0); id !== 0; id = reader.next(id)) {
    const { wire } = reader;
    seen |= requiredBit(REQUIRED.chunk, id, wire);
    if (id === 1 && reader.text(wire) !== '') other = 'it lives in another file';
    else if (id === 3 && wire === WIRE.struct) {
      let told = 0;
      nulls = -1;
      for (let field = reader.next(0); field !== 0; field = reader.next(field)) {
        const kind = reader.wire;
        told |= requiredBit(REQUIRED.chunkData, field, kind);
        if (field === 2) other ??= encodingFault(reader, kind, type === PHYSICAL.float || type === PHYSICAL.double);
        else if (field === 12 && kind === WIRE.struct) nulls = nullCount(reader);
        else if (field === 13 && kind === WIRE.list) checkPages(reader, kind);
        else if (field === 16 && kind === WIRE.struct) checkSizes(reader);
        else readChunkField(reader, groups, at, type, field, kind);
      }
      checkRequired(REQUIRED.chunkData, told);
    } else if (id === 8) {
      other = 'it is encrypted';
      reader.skip(wire);
    } else if (id !== 1) reader.skip(wire);
  }
  checkRequired(REQUIRED.chunk, seen);
  // Of no values there is nothing to count: such a row group says nothing, with statistics or without.
  const values = groups.values[at]!;
  if (values !== 0 && nulls !== values) groups.hasValues[leaf] = 1;
  if (nulls === -2) other ??= 'it has no description';
  if (other !== null) groups.unreadable.set(leaf, other);
}

function nullCount(reader: ThriftReader): number {
  let count = -1;
  for (let id = reader.next(0); id !== 0; id = reader.next(id)) {
    if (id === 3) count = reader.int(reader.wire);
    else reader.skip(reader.wire);
  }
  return count;
}

function readChunkField(
  reader: ThriftReader,
  groups: RowGroups,
  at: number,
  type: number,
  field: number,
  wire: number,
): void {
  if (field === 1) {
    if (reader.int(wire) !== type) throw new RangeError('a column chunk has another type than the schema');
  } else if (field === 4) {
    const codec = reader.int(wire);
    groups.codec[at] = codec >= 0 && codec < UNKNOWN_CODEC ? codec : UNKNOWN_CODEC;
  } else if (field === 5) groups.values[at] = reader.int(wire);
  else if (field === 6) groups.uncompressed[at] = reader.int(wire);
  else if (field === 7) groups.length[at] = reader.int(wire);
  else if (field === 9) groups.dataOffset[at] = reader.int(wire);
  else if (field === 11) groups.dictionaryOffset[at] = reader.int(wire);
  else reader.skip(wire);
}
