import type { ParquetFooter, RowSpan } from './parquet-footer.ts';
import { PHYSICAL } from './schema-nodes.ts';

/** DuckDB's types whose values lie in a file as they lie in memory, and the physical type of each. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ['FLOAT', PHYSICAL.float],
  ['DOUBLE', PHYSICAL.double],
  ['INTEGER', PHYSICAL.int32],
  ['BIGINT', PHYSICAL.int64],
]);
/** Not packed, and Snappy. */
const MOST_CODEC = 1;

/** A column as it is asked for: its name in the file, and the type that it was planned with. */
export interface AskedColumn {
  readonly name: string;
  readonly type: string;
}

/** Leaves of the columns, in their order, where each is one that `FlatColumn` can read; null where one is not. */
export function flatPlaces({ columns, leaves }: ParquetFooter, asked: readonly AskedColumn[]): number[] | null {
  const places = new Map(columns.map((column, i) => [column.name, i]));
  const found: number[] = [];
  for (const { name, type } of asked) {
    const column = columns[places.get(name) ?? -1];
    const leaf = leaves[column?.firstLeaf ?? -1];
    if (column === undefined || leaf === undefined || column.unsupported !== null) return null;
    if (leaf.path !== name || leaf.isRepeated || leaf.type !== TYPES.get(type)) return null;
    found.push(column.firstLeaf);
  }
  return found;
}

/** Whether those leaves can be read in these row groups: of codecs that are known, and of at most `mostBytes` a row group. */
export function areFlat(
  { groups }: ParquetFooter,
  places: readonly number[],
  spans: readonly RowSpan[],
  mostBytes: number,
): boolean {
  for (const { group } of spans) {
    let bytes = 0;
    for (const leaf of places) {
      const chunk = group * groups.leaves + leaf;
      if (groups.codec[chunk]! > MOST_CODEC) return false;
      bytes += Math.max(groups.uncompressed[chunk]!, groups.length[chunk]!);
    }
    if (bytes > mostBytes) return false;
  }
  return true;
}
