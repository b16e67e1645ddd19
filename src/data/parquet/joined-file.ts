import type { PageBytes } from './page-bytes.ts';
import { chunkRange, leavesOf, type ParquetFooter, type RowSpan } from './parquet-footer.ts';
import { PHYSICAL } from './schema-nodes.ts';
import { WIRE } from './thrift-compact.ts';
import { ThriftWriter } from './thrift-write.ts';
import { writeNumbers } from './whole-numbers.ts';

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
const [PLAIN, RLE] = [0, 3];
/** Those, and of dictionaries. */
const ENCODINGS = [PLAIN, RLE, 8];
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
  const leaves = leavesOf(footer, names);
  const file = new ThriftWriter();
  file.raw(MARK);
  const described = new ThriftWriter();
  let [rows, count] = [0, 0];
  for (const part of parts) {
    for (const span of part.spans) {
      joinGroup(file, described, part, span, leaves, positionName);
      rows += span.rowEnd - span.rowStart;
      count++;
    }
  }
  const footerAt = file.length;
  file.raw(tail.subarray(0, schemaAt));
  file.list(2 + wanted.reduce((sum, c) => sum + c.endNode - c.firstNode, 0), WIRE.struct);
  const root = file.begin();
  file.text(4, 'schema');
  file.i32(5, wanted.length + 1);
  file.end(root);
  for (const c of wanted) file.raw(tail.subarray(nodesAt[c.firstNode]!, nodesAt[c.endNode]!));
  positionNode(file, positionName);
  file.raw(tail.subarray(listEnd, rowsAt));
  file.varint(2 * rows);
  file.raw(tail.subarray(rowsEnd, groups.list.at));
  file.list(count, WIRE.struct);
  file.raw(described.written());
  file.raw(tail.subarray(groups.at[groups.count]!, tail.length - 8));
  const size = file.length - footerAt;
  for (let shift = 0; shift < 32; shift += 8) file.byte((size >>> shift) & 255);
  file.raw(MARK);
  return file.written();
}

/** Adds the pages of a row group, and of its positions, to the file, and what they are to the descriptions. */
function joinGroup(
  file: ThriftWriter,
  described: ThriftWriter,
  { footer, source, base }: JoinedPart,
  { group, rowStart, rowEnd }: RowSpan,
  leaves: readonly number[],
  positionName: string,
): void {
  const { groups } = footer;
  const rows = rowEnd - rowStart;
  let bytes = 0;
  const outer = described.begin();
  described.field(1, WIRE.list);
  described.list(leaves.length + 1, WIRE.struct);
  for (const leaf of leaves) {
    const chunk = group * groups.leaves + leaf;
    const { offset, length } = chunkRange(groups, chunk);
    const at = file.length;
    const from = source.hold(offset, length);
    file.raw(source.bytes.subarray(from, from + length));
    const data = groups.dataOffset[chunk]!;
    columnChunk(described, {
      type: footer.leaves[leaf]!.type,
      path: footer.leaves[leaf]!.path,
      codec: groups.codec[chunk]!,
      values: groups.values[chunk]!,
      uncompressed: groups.uncompressed[chunk]!,
      compressed: length,
      dataAt: at + data - offset,
      dictionaryAt: data > offset ? at : 0,
    });
    bytes += groups.uncompressed[chunk]!;
  }
  const at = file.length;
  pageHead(file, rows * 8, rows);
  file.raw(positions(base + rowStart, rows));
  const size = file.length - at;
  const own = {
    type: PHYSICAL.int64,
    path: positionName,
    codec: 0,
    values: rows,
    uncompressed: size,
    compressed: size,
  };
  columnChunk(described, { ...own, dataAt: at, dictionaryAt: 0 });
  described.i64(2, bytes + size);
  described.i64(3, rows);
  described.end(outer);
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

function columnChunk(to: ThriftWriter, chunk: DescribedChunk): void {
  const outer = to.begin();
  to.i64(2, chunk.dataAt);
  to.field(3, WIRE.struct);
  const data = to.begin();
  to.i32(1, chunk.type);
  to.field(2, WIRE.list);
  to.list(ENCODINGS.length, WIRE.i32);
  for (const encoding of ENCODINGS) to.varint(2 * encoding);
  to.field(3, WIRE.list);
  to.list(1, WIRE.binary);
  to.textValue(chunk.path);
  to.i32(4, chunk.codec);
  to.i64(5, chunk.values);
  to.i64(6, chunk.uncompressed);
  to.i64(7, chunk.compressed);
  to.i64(9, chunk.dataAt);
  if (chunk.dictionaryAt > 0) to.i64(11, chunk.dictionaryAt);
  to.end(data);
  to.end(outer);
}

function positionNode(to: ThriftWriter, name: string): void {
  const node = to.begin();
  to.i32(1, PHYSICAL.int64);
  to.i32(3, REQUIRED);
  to.text(4, name);
  to.end(node);
}

function pageHead(to: ThriftWriter, bytes: number, values: number): void {
  const page = to.begin();
  to.i32(1, 0);
  to.i32(2, bytes);
  to.i32(3, bytes);
  to.field(5, WIRE.struct);
  const data = to.begin();
  to.i32(1, values);
  to.i32(2, PLAIN);
  to.i32(3, RLE);
  to.i32(4, RLE);
  to.end(data);
  to.end(page);
}

function positions(first: number, rows: number): Uint8Array {
  const words = new Int32Array(rows * 2);
  writeNumbers(words, 0, first, rows);
  return new Uint8Array(words.buffer);
}
