import type { ParquetFooter } from './parquet-footer.ts';
import { WIRE } from './thrift-compact.ts';
import { ThriftWriter } from './thrift-write.ts';

/**
 * The tail of a file in which only the row groups [first, end) are described as they are; those before and those after them are one
 * group each, of as many rows. Rows keep their numbers. DuckDB looks at every group of a file in every query, which is most of the time
 * where groups are tiny; groups outside of the rows that are asked for it never reads.
 *
 * Errors: none. Owns: the caller.
 */
export function thinTail({ tail, groups }: ParquetFooter, first: number, end: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const whole = (from: number, to: number): Uint8Array => tail.subarray(from, to);
  const stand = (from: number, to: number): number => {
    if (to <= from) return 0;
    let rows = 0;
    for (let group = from; group < to; group++) rows += groups.rows[group]!;
    pieces.push(whole(groups.at[from]!, groups.rowsAt[from]!), numberBytes(rows));
    pieces.push(whole(groups.rowsEnd[from]!, groups.at[from + 1]!));
    return 1;
  };
  const before = stand(0, first);
  pieces.push(whole(groups.at[first]!, groups.at[end]!));
  const after = stand(end, groups.count);
  const list = new ThriftWriter();
  list.list(before + end - first + after, WIRE.struct);
  const head = list.written();
  // What follows the footer itself: its length and the magic.
  const rest = whole(groups.at[groups.count]!, tail.length - 8);
  const all = [whole(0, groups.list.at), head, ...pieces, rest];
  const length = all.reduce((sum, piece) => sum + piece.length, 0);
  const thin = new Uint8Array(length + 8);
  let at = 0;
  for (const piece of all) {
    thin.set(piece, at);
    at += piece.length;
  }
  new DataView(thin.buffer).setUint32(length, length, true);
  thin.set(tail.subarray(tail.length - 4), length + 4);
  return thin;
}

function numberBytes(value: number): Uint8Array {
  const writer = new ThriftWriter();
  writer.varint(2 * value);
  return writer.written();
}
