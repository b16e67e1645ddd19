import type { PageBytes } from './page-bytes.ts';
import { chunkRange, type ParquetFooter, type RowSpan } from './parquet-footer.ts';
import { PHYSICAL } from './schema-nodes.ts';
import { WIRE } from './thrift-compact.ts';
import { listHead, varint, zigzag } from './thrift-write.ts';

/** Whole row groups of a Parquet file that go into a joined one. */
export interface JoinedPart {
  readonly footer: ParquetFooter;
  /** Of whole row groups. */
  readonly spans: readonly RowSpan[];
  readonly source: PageBytes;
  /** The position of its row 0. */
  readonly base: number;
}

const MARK = new TextEncoder().encode('PAR1');
const [PLAIN, RLE, RLE_DICTIONARY] = [0, 3, 8];
const REQUIRED = 0;

/**
 * One Parquet file of the named columns of many, whose schemas are the same bytes: their pages as they stand, and one row group of each,
 * beside a column `positionName` of whole numbers that holds each row's position. DuckDB opens one file instead of all of them, which for a
 * hundred rows each was most of what writing a part cost.
 *
 * Null where the footer of the first file is not laid out as expected. Errors: those of `PageBytes`; pages are not looked at.
 */
export function joinFiles(
  parts: readonly JoinedPart[],
  names: ReadonlySet<string>,
  positionName: string,
): Uint8Array | null {
  const { footer } = parts[0]!;
  const { tail, groups, columns, places } = footer;
  const { schemaAt, rowsAt, rowsEnd } = places;
  const nodesAt = places.nodesAt.map((at) => schemaAt + at);
  const listEnd = nodesAt.at(-1)!;
  if (rowsAt < listEnd || groups.list.at < rowsEnd) return null;
  const wanted = columns.filter((c) => names.has(c.name));
  const leaves = wanted.flatMap((c) => Array.from({ length: c.endLeaf - c.firstLeaf }, (_, i) => c.firstLeaf + i));
  const file = new Pieces(MARK);
  const described: number[][] = [];
  let rows = 0;
  for (const part of parts) {
    for (const span of part.spans) {
      described.push(joinGroup(file, part, span, leaves, positionName));
      rows += span.rowEnd - span.rowStart;
    }
  }
  const nodes = wanted.map((c) => tail.subarray(nodesAt[c.firstNode]!, nodesAt[c.endNode]!));
  const footerAt = file.length;
  file.add(tail.subarray(0, schemaAt));
  file.add(listHead(2 + wanted.reduce((sum, c) => sum + c.endNode - c.firstNode, 0), WIRE.struct));
  file.add([...field(0, 4, WIRE.binary), ...text('schema'), ...field(4, 5, WIRE.i32), ...zigzag(wanted.length + 1), 0]);
  for (const node of nodes) file.add(node);
  file.add(positionNode(positionName));
  file.add(tail.subarray(listEnd, rowsAt));
  file.add(zigzag(rows));
  file.add(tail.subarray(rowsEnd, groups.list.at));
  file.add(listHead(described.length, WIRE.struct));
  for (const group of described) file.add(group);
  file.add(tail.subarray(groups.at[groups.count]!, tail.length - 8));
  const size = file.length - footerAt;
  file.add([size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24]);
  file.add(MARK);
  return file.whole();
}

/** Adds the pages of a row group, and of its positions; gives its description. */
function joinGroup(
  file: Pieces,
  { footer, source, base }: JoinedPart,
  { group, rowStart }: RowSpan,
  leaves: readonly number[],
  positionName: string,
): number[] {
  const { groups } = footer;
  const rows = groups.rows[group]!;
  const chunks: number[] = [];
  let bytes = 0;
  for (const leaf of leaves) {
    const chunk = group * groups.leaves + leaf;
    const { offset, length } = chunkRange(groups, chunk);
    const at = file.length;
    const from = source.hold(offset, length);
    // What is held is so until the next call.
    file.add(source.bytes.slice(from, from + length));
    const data = groups.dataOffset[chunk]!;
    const described = {
      type: footer.leaves[leaf]!.type,
      path: footer.leaves[leaf]!.path,
      codec: groups.codec[chunk]!,
      values: groups.values[chunk]!,
      uncompressed: groups.uncompressed[chunk]!,
      compressed: length,
      dataAt: at + data - offset,
      dictionaryAt: data > offset ? at : 0,
    };
    chunks.push(...columnChunk(described));
    bytes += described.uncompressed;
  }
  const at = file.length;
  file.add(pageHead(rows * 8, rows));
  file.add(positions(base + rowStart, rows));
  const size = file.length - at;
  const own = {
    type: PHYSICAL.int64,
    path: positionName,
    codec: 0,
    values: rows,
    uncompressed: size,
    compressed: size,
  };
  chunks.push(...columnChunk({ ...own, dataAt: at, dictionaryAt: 0 }));
  return [
    ...[...field(0, 1, WIRE.list), ...listHead(leaves.length + 1, WIRE.struct), ...chunks],
    ...[...field(1, 2, WIRE.i64), ...zigzag(bytes + size)],
    ...[...field(2, 3, WIRE.i64), ...zigzag(rows), 0],
  ];
}

interface DescribedChunk {
  readonly type: number;
  readonly path: string;
  readonly codec: number;
  readonly values: number;
  readonly uncompressed: number;
  readonly compressed: number;
  readonly dataAt: number;
  /** 0 for none. */
  readonly dictionaryAt: number;
}

function columnChunk(chunk: DescribedChunk): number[] {
  const { type, path, codec, values, uncompressed, compressed, dataAt, dictionaryAt } = chunk;
  const encodings = [PLAIN, RLE, RLE_DICTIONARY];
  const data = [
    ...[...field(0, 1, WIRE.i32), ...zigzag(type)],
    ...[...field(1, 2, WIRE.list), ...listHead(encodings.length, WIRE.i32), ...encodings.flatMap(zigzag)],
    ...[...field(2, 3, WIRE.list), ...listHead(1, WIRE.binary), ...text(path)],
    ...[...field(3, 4, WIRE.i32), ...zigzag(codec)],
    ...[...field(4, 5, WIRE.i64), ...zigzag(values)],
    ...[...field(5, 6, WIRE.i64), ...zigzag(uncompressed)],
    ...[...field(6, 7, WIRE.i64), ...zigzag(compressed)],
    ...[...field(7, 9, WIRE.i64), ...zigzag(dataAt)],
    ...(dictionaryAt === 0 ? [] : [...field(9, 11, WIRE.i64), ...zigzag(dictionaryAt)]),
    0,
  ];
  return [...field(0, 2, WIRE.i64), ...zigzag(dataAt), ...field(2, 3, WIRE.struct), ...data, 0];
}

function positionNode(name: string): number[] {
  return [
    ...[...field(0, 1, WIRE.i32), ...zigzag(PHYSICAL.int64)],
    ...[...field(1, 3, WIRE.i32), ...zigzag(REQUIRED)],
    ...[...field(3, 4, WIRE.binary), ...text(name), 0],
  ];
}

function pageHead(bytes: number, values: number): number[] {
  const data = [
    ...[...field(0, 1, WIRE.i32), ...zigzag(values)],
    ...[...field(1, 2, WIRE.i32), ...zigzag(PLAIN)],
    ...[...field(2, 3, WIRE.i32), ...zigzag(RLE)],
    ...[...field(3, 4, WIRE.i32), ...zigzag(RLE), 0],
  ];
  return [
    ...[...field(0, 1, WIRE.i32), ...zigzag(0)],
    ...[...field(1, 2, WIRE.i32), ...zigzag(bytes)],
    ...[...field(2, 3, WIRE.i32), ...zigzag(bytes)],
    ...[...field(3, 5, WIRE.struct), ...data, 0],
  ];
}

function positions(first: number, rows: number): Uint8Array {
  const words = new Uint32Array(rows * 2);
  for (let i = 0; i < rows; i++) {
    words[i * 2] = (first + i) % 4294967296;
    words[i * 2 + 1] = Math.floor((first + i) / 4294967296);
  }
  return new Uint8Array(words.buffer);
}

function field(before: number, id: number, wire: number): number[] {
  return [((id - before) << 4) | wire];
}

const encoder = new TextEncoder();

function text(value: string): number[] {
  const bytes = encoder.encode(value);
  return [...varint(bytes.length), ...bytes];
}

/** Bytes that are put together at the end. */
class Pieces {
  length = 0;
  private readonly pieces: Uint8Array[] = [];

  constructor(first: Uint8Array) {
    this.add(first);
  }

  add(piece: Uint8Array | readonly number[]): void {
    const bytes = piece instanceof Uint8Array ? piece : Uint8Array.from(piece);
    this.pieces.push(bytes);
    this.length += bytes.length;
  }

  whole(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
