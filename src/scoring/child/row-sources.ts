import type { RejectReason } from '../../base/contract/binding.ts';
import { decodeRun, extraIndex, type SliceColumn } from '../../data/duckdb/decode-slice.ts';
import type { Duck } from '../../data/duckdb/duckdb.ts';
import { nextRow, positionBase, rowFaults } from '../../data/duckdb/local-slice.ts';
import { sliceRuns } from '../../data/duckdb/slice-runs.ts';
import type { VectorBatch } from '../../data/duckdb/vector-batch.ts';
import { writeNumbers } from '../../data/parquet/whole-numbers.ts';
import type { FeatureBatch } from '../tensor/feature-batch.ts';
import type { DecodedColumn } from '../tensor/feature-packer.ts';
import { type BoundRun, decodedColumns } from './bound-run.ts';
import { type FlatBatch, type FlatSlice, flatBatches } from './flat-rows.ts';
import type { ReadableSlice } from './readable-chunk.ts';

/** Rows of a chunk whose columns are decoded in the same way, in order. */
export interface RowSource {
  readonly columns: readonly DecodedColumn[];
  readonly batches: AsyncIterable<FeatureBatch>;
  /** What may be wrong with a row before it is looked at; none where every row can be scored. */
  readonly faults: readonly RejectReason[];
  /** Numbers of those faults, from 1, for the rows of a batch; 0 for none. */
  faultsOf(batch: FeatureBatch): Int32Array;
  /** Writes the positions of the next `count` rows, from row `from` of the batch, two words each, to rows from `at` on. */
  place(batch: FeatureBatch, from: number, count: number, positions: Int32Array, at: number): void;
}

/** The rows of slices in order, each of them once. Those of neighbours are decoded together where that is possible. */
export function rowSources(run: BoundRun, duck: Duck, slices: readonly ReadableSlice[]): RowSource[] {
  const isFlat = slices.every((s) => s.flat !== undefined);
  return isFlat ? flatSources(run, slices) : duckSources(run, duck, slices);
}

function duckSources(run: BoundRun, duck: Duck, slices: readonly ReadableSlice[]): RowSource[] {
  return sliceRuns(slices.map((s) => s.slice)).map((read): RowSource => {
    const { ordinal } = read;
    const { slice, file } = slices[ordinal]!;
    const isMany = read.slices.length > 1;
    const columns = decodedColumns(run, file);
    const extra = extraIndex(columns);
    const base = positionBase(ordinal);
    let row = nextRow(slice, slice.rowStart);
    return {
      columns,
      batches: decodeRun(duck, read, columns),
      faults: isMany ? [] : rowFaults(slice),
      faultsOf: (batch) => batch.column(extra).i32(),
      place: (batch, from, count, positions, at) => {
        if (isMany) {
          const words = (batch as VectorBatch).column(extra).words64();
          copyPositions(words, from, positions, at, count);
        } else if (slice.deleted === undefined) {
          writeNumbers(positions, at, base + row, count);
          row += count;
        } else {
          for (let i = 0; i < count; i++, row = nextRow(slice, row + 1)) {
            writeNumbers(positions, at + i, base + row, 1);
          }
        }
      },
    };
  });
}

/** Slices without DuckDB: files may differ in the types of their columns. */
function flatSources(run: BoundRun, slices: readonly ReadableSlice[]): RowSource[] {
  const groups: { readonly columns: readonly (DecodedColumn & SliceColumn)[]; readonly slices: FlatSlice[] }[] = [];
  let types = '';
  for (const [ordinal, { slice, file, footer, flat }] of slices.entries()) {
    const columns = decodedColumns(run, file);
    const own = columns.map((c) => c.type).join();
    if (groups.length === 0 || own !== types) groups.push({ columns, slices: [] });
    types = own;
    const { rowStart, rowEnd } = slice;
    groups.at(-1)!.slices.push({ ...flat!, footer: footer!, rowStart, rowEnd, base: positionBase(ordinal) });
  }
  return groups.map(({ columns, slices: own }) => ({
    columns,
    batches: flatBatches(own, run.flat),
    faults: [],
    faultsOf: () => new Int32Array(0),
    place: (batch, from, count, positions, at) =>
      copyPositions((batch as FlatBatch).positions, from, positions, at, count),
  }));
}

function copyPositions(words: Int32Array, from: number, positions: Int32Array, at: number, count: number): void {
  positions.set(words.subarray(from * 2, (from + count) * 2), at * 2);
}
