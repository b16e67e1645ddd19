import { setImmediate } from 'node:timers/promises';
import { type ColumnBuffer, FlatColumn, wordsOf } from '../../data/parquet/flat-column.ts';
import { PageBytes } from '../../data/parquet/page-bytes.ts';
import { type ParquetFooter, rowSpans } from '../../data/parquet/parquet-footer.ts';
import { writeNumbers } from '../../data/parquet/whole-numbers.ts';
import type { FeatureBatch, FeatureVector } from '../tensor/feature-batch.ts';

/** Rows of a local Parquet file whose feature columns `FlatColumn` can read. */
export interface FlatSlice {
  readonly path: string;
  /** All bytes of the file, where they are in memory anyway. */
  readonly whole: Uint8Array | null;
  readonly footer: ParquetFooter;
  readonly leaves: readonly number[];
  readonly rowStart: number;
  readonly rowEnd: number;
  /** The position of the file's row 0, see `positionBase`. */
  readonly base: number;
}

/** The rows are not what is read here: DuckDB is to read them, or to tell what is wrong with them. */
export class FlatRefusal extends RangeError {}

const MOST_ROWS = 2048;
const LEAST_ROWS = 128;
/** Milliseconds in which nothing else happens in this thread. */
const TURN_MS = 8;

/** Decoded rows, in order, over memory that the next batch has again. */
export class FlatBatch implements FeatureBatch {
  rows = 0;
  /** Two words a row. */
  readonly positions: Int32Array;
  readonly capacity: number;
  readonly buffers: readonly ColumnBuffer[];
  private readonly vectors: readonly FeatureVector[];

  /** Of columns of so many words each; it takes `mostBytes`, or 128 rows. */
  constructor(words: readonly number[], mostBytes: number) {
    const rowBytes = words.reduce((sum, each) => sum + each * 4, 4);
    // Fewer rows of wide tables fit a cache, but then the dictionary of each column is fetched for few of its values.
    this.capacity = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(mostBytes / rowBytes) & ~63));
    this.positions = new Int32Array(this.capacity * 2);
    // One piece of memory: V8 counts each.
    const all = new ArrayBuffer(words.reduce((sum, each) => sum + each * 4 * this.capacity, 0));
    const bits = new Uint8Array((this.capacity / 8) * words.length).fill(0xff);
    let at = 0;
    // Eight bytes a value first would need no check, but columns keep their order: all begin at multiples of 8, as the capacity is one.
    this.buffers = words.map((each, i) => {
      const size = each * this.capacity;
      const column = new Int32Array(all, at, size);
      at += size * 4;
      const valid = bits.subarray((this.capacity / 8) * i, (this.capacity / 8) * (i + 1));
      return { words: column, valid, hasNulls: false };
    });
    this.vectors = this.buffers.map(vectorOf);
  }

  column(index: number): FeatureVector {
    return this.vectors[index]!;
  }

  text(): string | null {
    throw new TypeError('a batch of numbers has no texts');
  }

  /** Empties it for the next rows. */
  clear(): void {
    this.rows = 0;
    for (const buffer of this.buffers) {
      if (!buffer.hasNulls) continue;
      buffer.valid.fill(0xff);
      buffer.hasNulls = false;
    }
  }
}

/**
 * The rows of slices whose columns have the same types, in order, in batches that are full but for the last one, whatever the size of the
 * row groups. Gives the event loop its turns. `columns`: of slices that were read before, whose memory is used again; filled here. Owns: a batch is valid until the next one is asked for.
 *
 * Errors: FlatRefusal for rows that cannot be read here.
 */
export async function* flatBatches(
  slices: readonly FlatSlice[],
  { columns, batchBytes }: { readonly columns: FlatColumn[]; readonly batchBytes: number },
): AsyncGenerator<FlatBatch> {
  const { footer, leaves } = slices[0]!;
  const words = leaves.map((leaf) => wordsOf(footer, leaf));
  const batch = new FlatBatch(words, batchBytes);
  let turn = performance.now();
  for (const slice of slices) {
    const source = new PageBytes(slice.path, slice.whole);
    try {
      slice.leaves.forEach((leaf, i) => {
        const known = columns[i];
        if (known?.words === wordsOf(slice.footer, leaf)) known.attach(source, slice.footer, leaf);
        else columns[i] = new FlatColumn(source, slice.footer, leaf);
      });
      let groupStart = 0;
      let counted = 0;
      for (const { group, rowStart, rowEnd } of rowSpans(slice.footer, slice.rowStart, slice.rowEnd)) {
        for (; counted < group; counted++) groupStart += slice.footer.groups.rows[counted]!;
        refusing(() => {
          for (const column of columns) column.open(group);
          skip(columns, batch, rowStart - groupStart);
        });
        for (let row = rowStart; row < rowEnd; ) {
          const count = Math.min(rowEnd - row, batch.capacity - batch.rows);
          refusing(() => {
            for (let i = 0; i < columns.length; i++) columns[i]!.read(count, batch.buffers[i]!, batch.rows);
          });
          writeNumbers(batch.positions, batch.rows, slice.base + row, count);
          batch.rows += count;
          row += count;
          if (batch.rows < batch.capacity) continue;
          yield batch;
          batch.clear();
          if (performance.now() - turn < TURN_MS) continue;
          await setImmediate();
          turn = performance.now();
        }
      }
    } finally {
      source.close();
    }
  }
  if (batch.rows > 0) yield batch;
}

/** Rows in front of the slice in its first row group, read into the room behind the rows that are there. */
function skip(columns: readonly FlatColumn[], batch: FlatBatch, rows: number): void {
  for (let left = rows; left > 0; ) {
    const count = Math.min(left, batch.capacity - batch.rows);
    columns.forEach((column, i) => {
      const buffer = batch.buffers[i]!;
      column.read(count, { words: buffer.words, valid: buffer.valid.slice(), hasNulls: false }, batch.rows);
    });
    left -= count;
  }
}

function refusing(task: () => void): void {
  try {
    task();
  } catch (error) {
    throw error instanceof RangeError ? new FlatRefusal(error.message, { cause: error }) : error;
  }
}

function vectorOf(buffer: ColumnBuffer): FeatureVector {
  const { words } = buffer;
  const { buffer: memory, byteOffset, length } = words;
  const f32 = new Float32Array(memory, byteOffset, length);
  const f64 = length % 2 === 0 ? new Float64Array(memory, byteOffset, length / 2) : new Float64Array(0);
  const none = (): never => {
    throw new TypeError('a column of numbers');
  };
  return {
    validity: () => (buffer.hasNulls ? buffer.valid : null),
    f32: () => f32,
    f64: () => f64,
    i32: () => words,
    words64: () => words,
    stringWords: none,
    list: none,
  };
}
